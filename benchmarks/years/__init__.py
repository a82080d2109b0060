"""Years of believable days for any number of shops."""
