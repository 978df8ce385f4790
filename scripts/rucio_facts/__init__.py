"""Reads the facts of Rucio's releases from the package index; see ``__main__``."""
