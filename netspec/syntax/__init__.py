"""Text to tree. `parse_source` in `parser.py` is the way in."""
