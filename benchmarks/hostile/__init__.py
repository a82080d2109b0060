"""Attacks on a running ingest and dashboard, all at once, while an honest box and an honest owner go on.

Run `python -m benchmarks.hostile`; docs/reliability.md says what each attack is and what it showed.
"""
