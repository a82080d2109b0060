"""From a launch file to a checked graph, or to every mistake in it, each at its place."""
