"""The figures of the stores in a database, kept ready for those who ask."""
