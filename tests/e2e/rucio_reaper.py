"""Rucio's reaper on the control plane: it deletes a file where the package's lfn2pfn algorithm says that it is."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.programs import rucio_storage
from tests.e2e.rucio_site import RucioSite
from tests.e2e.site import until

_PROGRAM = Path(rucio_storage.__file__)
NAME = "rucio-reaper"


@dataclass
class Reaper:
    """The Deployment of *rucio*'s daemon and a storage element of one disk."""

    rucio: RucioSite

    def add(self) -> None:
        """One cycle after the other, each a process of its own: in one process, it rests for two minutes between."""
        self._store("add")
        python, daemon = self.rucio.python, self.rucio.python.with_name(NAME)
        cycles = f"while :; do {python} {daemon} --run-once --greedy || exit 1; sleep 1; done"
        workload = self.rucio.workload(NAME, ["sh", "-ec", cycles])
        self.rucio.site.plane.put(workload)

    def path_of_a_deleted_file(self, name: str, directories: tuple[str, ...]) -> str:
        """In which of *directories* the reaper looks for a file; it deletes it there, and there alone."""
        paths = {
            directory: self.rucio.folder / "disk" / directory / rucio_storage.SCOPE / name for directory in directories
        }
        for path in paths.values():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        self._store("obsolete", name)
        until(lambda: not all(path.exists() for path in paths.values()), f"the reaper deletes {name}", seconds=120)
        (deleted,) = (directory for directory, path in paths.items() if not path.exists())
        return deleted

    def _store(self, *arguments: str) -> None:
        environment = {"RUCIO_CONFIG": str(self.rucio.folder / "tables.cfg"), "PATH": "/usr/bin:/bin"}
        command = [str(self.rucio.python), str(_PROGRAM), str(self.rucio.folder), *arguments]
        subprocess.run(command, env=environment, check=True, capture_output=True)
