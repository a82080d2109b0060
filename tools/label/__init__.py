"""`metrica-label`: tap IN and OUT while a clip plays."""
