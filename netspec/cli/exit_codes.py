"""What the shell is told of how a command ended; `netspec/cli/__init__.py` has the whole list."""

HAS_ERRORS = 1
"""A file with errors."""
IS_UNREADABLE = 2
"""A file that cannot be read, or a command that is wrong."""
INTERNAL_ERROR = 70
INTERRUPTED = 130
"""By Ctrl-C."""
NOBODY_READS = 141
"""What a shell reports of a program that a closed pipe ended."""
