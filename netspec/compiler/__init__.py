"""Tree to graph, and what is checked on the way."""
