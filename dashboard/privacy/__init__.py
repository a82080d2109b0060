"""What a shop needs to show that it respects who comes in: the sign, the record of processing, the assessment."""
