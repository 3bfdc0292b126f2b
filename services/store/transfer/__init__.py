"""The move: every document from one place to another, and the proof that nothing changed.

`places.py` reads what people call a place and opens it; `compare.py` walks two side by side;
`copy.py` makes a store like a source, with a `bookmark.py` in it until it is done; `export.py`
makes a file, which `draft.py` writes and `archive.py` reads.
"""
