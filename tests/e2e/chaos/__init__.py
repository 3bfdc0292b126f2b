"""Faults on the replayed market: see __main__.py, which `make chaos` runs."""
