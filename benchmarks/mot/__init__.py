"""MOTChallenge's sequences, the peers that are measured on them, and what counts as the same event."""
