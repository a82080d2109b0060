"""The figures (KPIs) as pure functions: arrays and times in, numbers out. Imports neither database nor web."""
