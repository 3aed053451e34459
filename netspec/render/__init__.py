"""From facts to the screen: a program as text for people, or as JSON for machines.

`report.py` decides what is said and `page.py` in what form it is handed on: lines of styled pieces.
`plain.py` and `terminal.py` write those lines; `json.py` writes the same facts for machines.
"""
