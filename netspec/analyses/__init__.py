"""What can be known of a graph beyond its shapes: one question a file, a function of the graph."""
