"""The command line: `app.py` and a file a command.

Exit codes, the same for every command: 0 fine, 1 a file with errors, 2 wrong usage or a file that
cannot be read, 3 a training that failed, 4 something that is not installed, 70 a fault of netspec,
130 Ctrl-C, 141 an output that nobody reads any more. The result goes to standard output, everything
else to standard error; for `check` the diagnostics are the result.
"""
