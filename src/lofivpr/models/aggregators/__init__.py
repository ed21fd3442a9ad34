"""Aggregators of today's place-recognition networks, one file each; `registry.py` knows their names."""
