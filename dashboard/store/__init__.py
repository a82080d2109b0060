"""The database of the back office: a file per table, `Database` as the way in, and the reports made from it."""
