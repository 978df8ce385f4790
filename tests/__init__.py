"""The tests: a room each beside the package's rooms, and what they share."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
"""The checkout."""
