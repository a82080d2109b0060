"""Measures the back office: growth, ingest, a rush of ten thousand stores, killed processes, size."""
