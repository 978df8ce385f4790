"""Runs that are killed: before and after a call, and at any moment; what one clean run makes of what they left."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from tests.robustness.sweep import Sweep
from tests.servers import api_proxy
from tests.servers.api_proxy import Fault


def kill_at_call(sweep: Sweep, call: int, moment: Callable[[Callable[[], object]], Fault], name: str) -> None:
    """SIGKILL at *call*: *moment* says whether it takes place first."""
    pid: list[int] = []

    def kill() -> None:
        while not pid:  # the first call may come before the pid is known
            time.sleep(0.001)
        os.kill(pid[0], signal.SIGKILL)

    sweep.start_anew()
    sweep.site.proxy.faults = {call: moment(kill)}
    pid.append(sweep.start())
    sweep.note_ended(f"killed {name} call {call}")


def kill_at_random(sweep: Sweep, chance: random.Random, seconds: float) -> None:
    """SIGKILL at some moment of the *seconds* that the run takes."""
    sweep.start_anew()
    pid, moment = sweep.start(), chance.uniform(0, seconds)
    time.sleep(moment)
    if not sweep.site.zygote.has_ended():
        with suppress(ProcessLookupError):  # it has ended in this very moment
            os.kill(pid, signal.SIGKILL)
    sweep.note_ended(f"killed after {moment:.3f} s")


MOMENTS: dict[str, Callable[[Callable[[], object]], Fault]] = {"before": api_proxy.before, "after": api_proxy.after}
