"""Several questions to the world asked at once: each comes to an answer or to its error, and none waits for another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from secretsync.core.errors import SecretSyncError

T = TypeVar("T")

AT_ONCE = 4
"""How many are asked at a time: sites have a handful of packages, and a pod has a fraction of a processor."""


def run_concurrently(questions: Sequence[Callable[[], T]]) -> list[T | SecretSyncError]:
    """What each comes to, in their order. A single one is asked in this thread, which costs none."""
    if len(questions) < 2:
        return [result_of(question) for question in questions]
    with ThreadPoolExecutor(min(len(questions), AT_ONCE), "source") as pool:
        return list(pool.map(result_of, questions))


def result_of(question: Callable[[], T]) -> T | SecretSyncError:
    try:
        return question()
    except SecretSyncError as error:
        return error


def value_or_raise(result: T | SecretSyncError) -> T:
    """The answer, where there is one. Raises the error where there is none."""
    if isinstance(result, SecretSyncError):
        raise result
    return result
