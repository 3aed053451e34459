"""Runs as one page of HTML, which needs nothing but itself: no network, no scripts.

`markup.py` makes elements, `charts.py` draws, `page.py` puts together the parts, each of which has
a file of its own.
"""
