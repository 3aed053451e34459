"""What can be known of a graph beyond its shapes: one question a file, each a function of the graph."""
