"""The figures, pure: arrays and times in, numbers out. Neither the database nor the pages are known here."""
