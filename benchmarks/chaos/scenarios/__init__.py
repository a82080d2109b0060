"""The scenarios: each file brings about one kind of fault. `run` does one round of it and returns what it found."""
