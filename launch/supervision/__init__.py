"""Start the nodes of a graph, watch over them, and stop them."""
