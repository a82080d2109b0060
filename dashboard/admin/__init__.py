"""`metrica-admin`: stores, tokens, users and the data's life. A subject of the command is a file here."""
