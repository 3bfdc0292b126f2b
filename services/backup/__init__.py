"""Backups: every document as of one moment, in a folder that can be proved and restored.

`folder.py` reaches a folder anywhere; `manifest.py` tells what a backup holds, and is written
last; `parts.py` writes and reads the compressed documents; `making.py`, `verifying.py` and
`restoring.py` are what is done with them; `retention.py` says which are kept; `backups.py` is all
of it for a site, and `state.py` what became of the last one. `managed.py` has Google do it.
"""
