"""Several calls to the world at once: questions that do not wait for each other, and writes that stop together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
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


def for_each(items: Sequence[T], act: Callable[[T], None], *, at_once: int) -> None:
    """Call *act* with each of *items*: they begin in their order, and *at_once* are under way at most.

    The first that raises is the last that begins: those under way come to their end, and then it is raised. So it is
    with what a signal raises in this thread. With *at_once* of 1 all is done in this thread.
    """
    if at_once < 2 or len(items) < 2:
        for item in items:
            act(item)
        return
    running: set[Future[None]] = set()
    with ThreadPoolExecutor(min(len(items), at_once), "write") as pool:
        for item in items:
            if len(running) == at_once:
                running = _first_to_end(running)
            running.add(pool.submit(copy_context().run, act, item))
        while running:
            running = _first_to_end(running)


def _first_to_end(running: set[Future[None]]) -> set[Future[None]]:
    """Those that are still under way when one of *running* has ended; raises what that raised."""
    completed, waiting = wait(running, return_when=FIRST_COMPLETED)
    for future in completed:
        future.result()
    return waiting


def result_of(question: Callable[[], T]) -> T | SecretSyncError:
    """What *question* returns, or the SecretSyncError that it raises."""
    try:
        return question()
    except SecretSyncError as error:
        return error


def value_or_raise(result: T | SecretSyncError) -> T:
    """The answer, where there is one. Raises the error where there is none."""
    if isinstance(result, SecretSyncError):
        raise result
    return result
