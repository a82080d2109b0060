"""`metrica-eval`: how right a count is, against labels; and MOT metrics of the tracking."""
