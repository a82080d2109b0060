"""The database of the back office: stores, tokens, users, events and coverage."""
