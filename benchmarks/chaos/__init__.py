"""Faults on purpose, again and again, with known crossings, and a database that is compared at the end.

Run `python -m benchmarks.chaos`; docs/reliability.md says what each scenario does and what it showed. Each scenario is
a file in `scenarios/`, made of rounds that run by themselves: a cut run goes on with the rounds that are not done.
tests/faults runs short rounds of the same scenarios.
"""
