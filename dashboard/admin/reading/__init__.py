"""What the options of commands say, read: times, and the details of a store."""
