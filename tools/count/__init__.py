"""`metrica-count`: the people who cross lines in a recorded clip."""
