"""Starts other programs."""

from __future__ import annotations

import subprocess


def run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
