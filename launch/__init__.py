"""`metrica-launch`: a launch file is read and checked, and its nodes are started, supervised and stopped."""
