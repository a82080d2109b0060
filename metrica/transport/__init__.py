"""Topics over ZeroMQ, and frames in shared memory."""
