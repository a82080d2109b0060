"""MOTChallenge sequences, other people's trackers and counters (the peers), and the matching of events."""
