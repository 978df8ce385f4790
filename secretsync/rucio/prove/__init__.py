"""The proof: a package is loaded by the real Rucio, in a process laid out as the pods see it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from secretsync.core import sandbox
from secretsync.core.model import Bundle
from secretsync.rucio.prove.archive import probe_archive
from secretsync.rucio.prove.environment import CannotInstallRucio, RucioEnvironment, rucio_environment
from secretsync.rucio.prove.judge import HUNG, judge
from secretsync.rucio.prove.layout import lay_out
from secretsync.rucio.prove.proof import Proof, RucioUnusable, Verdict
from secretsync.rucio.prove.report import UnusableReport, read_report

__all__ = [
    "CannotInstallRucio",
    "Proof",
    "RucioEnvironment",
    "RucioUnusable",
    "UnusableReport",
    "Verdict",
    "environment_of",
    "probe_archive",
    "prove",
    "prove_in_place",
    "rucio_environment",
]

TIMEOUT = 120.0
MEMORY = 2 * 1024**3


def prove(
    bundle: Bundle,
    *,
    rucio: RucioEnvironment,
    vo: str = "",
    layout: str = "directories",
    timeout: float = TIMEOUT,
    memory: int = MEMORY,
) -> Proof:
    """Load *bundle* in *rucio* as the pods would, for *vo* where Rucio serves several, and say what came into force.

    *timeout* is in seconds, *memory* in bytes of address space. The package's code is run, without the caller's
    environment. Raises RucioUnusable, UnusableReport, and what packing the bundle raises.
    """
    with tempfile.TemporaryDirectory(prefix="secretsync-proof-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        # any user may have to read it, as in a pod
        folder.chmod(0o755)
        python_path = lay_out(bundle, folder / "policy", layout=layout)
        return prove_in_place(bundle, python_path, folder, rucio=rucio, vo=vo, timeout=timeout, memory=memory)


def prove_in_place(
    bundle: Bundle, python_path: Path, folder: Path, *, rucio: RucioEnvironment, vo: str, timeout: float, memory: int
) -> Proof:
    """Prove *bundle* where it lies at *python_path*; *folder* is scratch space.

    Raises RucioUnusable, UnusableReport.
    """
    report = folder / "report.json"
    report.touch()
    report.chmod(0o666)
    probe = folder / "probe.zip"
    probe.write_bytes(probe_archive())
    command = [str(rucio.python), str(probe), str(report), "--files"]
    command += ["--vo", vo, "--memory", str(memory), "--cpu", str(max(1, round(timeout)))]
    ended = _run(command, environment_of(bundle.module, python_path, folder, vo), folder, timeout, rucio)
    return judge(bundle, read_report(report), ended, vo=vo, rucio=rucio)


def environment_of(module: str, python_path: Path, folder: Path, vo: str) -> dict[str, str]:
    """All that the process is given: nothing of the caller's, whose environment may hold credentials."""
    configuration = folder / "rucio.cfg"
    configuration.write_text(_configuration(module, vo), encoding="utf-8")
    return {
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",  # a Secret volume is read-only
        "PYTHONPATH": str(python_path),
        "RUCIO_CONFIG": str(configuration),
        "RUCIO_POLICY_PACKAGE" + (f"_{vo.upper()}" if vo else ""): module,
        "TMPDIR": str(folder),
    }


def _configuration(module: str, vo: str) -> str:
    """What Rucio must have to start; the database is only named, to say that this is a server.

    The package is named here as well as in the environment: Rucio 36 looks here alone when it registers algorithms.
    """
    package = f"package{'-' + vo if vo else ''} = {module}\n"
    return (
        f"[common]\nmulti_vo = {bool(vo)}\n[database]\ndefault = sqlite://\n[policy]\npermission = generic\n{package}"
    )


def _run(
    command: list[str], environment: Mapping[str, str], folder: Path, timeout: float, rucio: RucioEnvironment
) -> int:
    """The exit code, negative for a signal, HUNG where the time was up. What the package prints goes nowhere."""
    try:
        ended = sandbox.run(command, environment, folder, seconds=timeout, network=False)
    except OSError as error:
        raise RucioUnusable(rucio, f"it cannot be started: {error.strerror}") from None
    if ended.code == sandbox.NOT_FOUND:
        raise RucioUnusable(rucio, "it cannot be started")
    return HUNG if ended.code is None else ended.code
