"""How figures look: charts, and the same as tables."""
