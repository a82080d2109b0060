"""The HTTP service: boxes send events to it, programs ask it for figures."""
