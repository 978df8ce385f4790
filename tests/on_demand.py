"""Tests that take long run when they are asked for: SECRETSYNC_TEST_ALL=1."""

from __future__ import annotations

import os

import pytest

ALL = bool(os.environ.get("SECRETSYNC_TEST_ALL"))
ON_DEMAND = pytest.mark.skipif(not ALL, reason="takes long: SECRETSYNC_TEST_ALL=1 runs it")
