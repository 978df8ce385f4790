"""Records docs/recording.svg: a real Rucio on a control plane, its policy pushed, applied, put back and rolled back.

RUCIO_PYTHON=…/bin/python PYTHONPATH=. python -m scripts.recording
"""

from __future__ import annotations

import os
import pty
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scripts.terminal_picture import COLUMNS, ROWS, Frame, Screen, svg
from tests.e2e.repository import MODULE, Repository
from tests.e2e.rucio_site import DEFAULT_VO, RucioSite
from tests.e2e.site import Site
from tests.e2e.test_real_rucio import GENEROUS, RAISES, STRICT, deployed
from tests.servers import git_http
from tests.servers.control_plane import control_plane

PICTURE = Path(__file__).parents[1] / "docs" / "recording.svg"
SHORTEST_FRAME, READING = 0.25, 2.5
NO_PROOF = {"canary": "off"}
"""Else the proof would refuse the bad push before anything is written, and nothing had to be put back."""
ADD_SCOPE = r"""#!/bin/sh
curl -s -o /dev/null -D - -X POST -H "X-Rucio-Auth-Token: {token}" "$(cat address)/scopes/alice/$1" |
  tr -d '\r' | grep -E '^(HTTP|ExceptionClass)'
"""


@dataclass
class Recorder:
    """Runs commands in a terminal, and keeps what it showed and when, with the pauses cut."""

    folder: Path
    screen: Screen = field(default_factory=Screen)
    frames: list[Frame] = field(default_factory=list)
    clock: float = 0

    def say(self, line: str, reading: float = 0.8) -> None:
        self.screen.write(f"\x1b[32m$\x1b[0m {line}\r\n")
        self._keep(reading)

    def run(self, command: str) -> None:
        self.say(command)
        pid, terminal = pty.fork()
        if not pid:
            os.chdir(self.folder)
            os.environ |= {"PATH": f"{self.folder}:{os.environ['PATH']}", "COLUMNS": str(COLUMNS), "TERM": "xterm"}
            line = f"stty cols {COLUMNS} rows {ROWS}; {command}"
            os.execv("/bin/sh", ["/bin/sh", "-c", line])  # noqa: S606 - it runs what the recording shows
        for text in _read(terminal):
            self.screen.write(text)
            self._keep(SHORTEST_FRAME)
        os.waitpid(pid, 0)
        self._keep(READING)

    def _keep(self, seconds: float) -> None:
        self.frames.append((self.clock, self.screen.shown()))
        self.clock += seconds


def _read(terminal: int) -> Iterator[str]:
    """What is written to a terminal until its program ends, in pieces of a moment each."""
    try:
        while piece := os.read(terminal, 65536):
            time.sleep(SHORTEST_FRAME)
            yield piece.decode(errors="replace")
    except OSError:  # the program has ended
        return


def record(recorder: Recorder, server: RucioSite, repository: Repository) -> None:
    """The session: what was live denies, a push allows, a bad push is put back, a rollback denies again."""
    add = recorder.folder / "add-scope"
    add.write_text(ADD_SCOPE.format(token=server.token()))
    add.chmod(0o755)

    def ask(scope: str) -> None:
        (recorder.folder / "address").write_text(server.address())
        recorder.run(f"add-scope {scope}")

    ask("first")
    repository.push(GENEROUS)
    recorder.say("git push      # alice may add scopes")
    recorder.run("secretsync plan")
    recorder.run("secretsync apply")
    ask("second")
    repository.push(RAISES)
    recorder.say("git push      # a module that raises when it is imported")
    recorder.run("secretsync apply")
    ask("third")
    recorder.run("secretsync status")
    recorder.run("secretsync rollback --yes")
    ask("fourth")
    recorder.say("", READING)


def name_package(server: RucioSite) -> None:
    """Name the policy package in the environment too, where secretsync looks for it."""
    plane, namespace = server.site.plane, server.site.namespace
    workload = plane.get("Deployment", namespace, "rucio-server")
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    container["env"].append({"name": "RUCIO_POLICY_PACKAGE", "value": MODULE})
    del workload["metadata"]["resourceVersion"]  # the controllers write to it at the same time
    plane.put(workload)


def main() -> None:
    python, version = Path(os.environ["RUCIO_PYTHON"]), os.environ.get("RUCIO_VERSION", "41.5.1")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        repository = Repository(folder)
        repository.push(STRICT)
        with git_http.serve(repository.bare.parent) as url, control_plane(folder / "cluster") as plane:
            plane.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "rucio"}})
            requirement = f"git+{url}/{repository.bare.name}"
            site = Site(plane, "rucio", folder, MODULE, requirement, "site-policy", directories=("",), rollout=NO_PROOF)
            server = RucioSite(site, folder / "rucio", python, version, {DEFAULT_VO: MODULE})
            server.create_database()
            server.add_server()
            name_package(server)
            deployed(server)
            site.configuration().rename(folder / "secretsync.yaml")
            (folder / "secretsync").write_text(f'#!/bin/sh\nexec {sys.executable} -m secretsync "$@"\n')
            (folder / "secretsync").chmod(0o755)
            recorder = Recorder(folder)
            record(recorder, server, repository)
    PICTURE.write_text(svg(recorder.frames, recorder.clock), encoding="utf-8")


if __name__ == "__main__":
    main()
