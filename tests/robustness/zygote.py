"""A process that has secretsync imported, and forks for each run: thousands of runs, each a process of its own.

python -m tests.robustness.zygote: a line of JSON in, `{"arguments": [...], "folder": "..."}`; the child's pid out.
Standard output and error of the run are the files `out` and `err` in the folder, its exit code is in `code`.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests import ROOT


@dataclass(frozen=True)
class Ended:
    """A run that has ended: its exit code, negative for a signal."""

    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"exit code {self.code}\n{self.out[-1500:]}\n{self.err[-1500:]}"


class Zygote:
    """An answer of the API may pause for *seconds*, and retries follow at once; None: as secretsync has it."""

    def __init__(self, folder: Path, *, seconds: float | None) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "tests.robustness.zygote", *([str(seconds)] if seconds else [])]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self, *arguments: str) -> int:
        """The pid of a run of ``secretsync`` with *arguments*."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        (self._folder / "code").unlink(missing_ok=True)
        self._process.stdin.write(json.dumps({"arguments": arguments, "folder": str(self._folder)}) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def ended(self, seconds: float = 120) -> Ended:
        """The run that was started, once it has ended."""
        deadline = time.monotonic() + seconds
        while not self.has_ended():
            assert time.monotonic() < deadline, f"a run takes more than {seconds} s:\n{self._text('err')[-3000:]}"
            time.sleep(0.005)
        return Ended(int(self._text("code")), self._text("out"), self._text("err"))

    def has_ended(self) -> bool:
        return (self._folder / "code").exists()

    def run(self, *arguments: str) -> Ended:
        self.start(*arguments)
        return self.ended()

    def close(self) -> None:
        self._process.communicate()

    def _text(self, name: str) -> str:
        return (self._folder / name).read_text(errors="replace")


def main() -> None:
    import secretsync.cli.commands.passes
    import secretsync.cli.main
    import secretsync.cluster.api
    import secretsync.reconcile.factory  # noqa: F401 - the children have all of it

    if len(sys.argv) > 1:
        _shorten_patience(float(sys.argv[1]))
    for line in sys.stdin:
        order = json.loads(line)
        folder = Path(order["folder"])
        if (child := os.fork()) == 0:
            _become(order["arguments"], folder)
        print(child, flush=True)
        status = os.waitpid(child, 0)[1]
        (folder / "code.new").write_text(str(os.waitstatus_to_exitcode(status)))
        (folder / "code.new").replace(folder / "code")


def _shorten_patience(seconds: float) -> None:
    from urllib3.util.retry import Retry

    from secretsync.cluster import connection

    retries = Retry(total=2, allowed_methods=None, status_forcelist=(429, 500, 502, 503, 504))
    connection.Timeouts = functools.partial(  # type: ignore[misc, assignment]
        connection.Timeouts, connect=2, read=seconds, total=2 * seconds, retries=retries
    )


def _become(arguments: list[str], folder: Path) -> None:
    from secretsync.cli.main import main as secretsync

    for number, name in ((1, "out"), (2, "err")):
        file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
    code = 70
    with suppress(SystemExit):
        code = secretsync(arguments)
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
