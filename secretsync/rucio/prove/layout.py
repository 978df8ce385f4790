"""A bundle on disk as a pod sees it: Secret volumes, mounted one below the other, or one that holds a zip."""

from __future__ import annotations

from pathlib import Path

from secretsync.core.model import Bundle, Placement, Secret
from secretsync.core.packing import DIRECTORY, pack

FILE_MODE = 0o644
"""What Rucio's charts give the files: a server reads them as another user than the one that starts it."""

_WRITTEN = "..2026_01_01_00_00_00.0000000000"  # the kubelet names this folder by the time of its write


def lay_out(bundle: Bundle, folder: Path, *, layout: str = "directories", mode: int = FILE_MODE) -> Path:
    """Put *bundle* below *folder* as its Secrets appear in a pod; returns what ``PYTHONPATH`` names there.

    Raises what packing raises.
    """
    secrets = pack(bundle, Placement("proof", "proof", "proof", bundle.module, layout), recipe="")
    mount_point = folder / bundle.module
    for secret in secrets:
        directory = secret.annotations[DIRECTORY]
        _mount(secret, mount_point if directory == "." else mount_point / directory, mode)
    return mount_point / f"{bundle.module}.zip" if layout == "zip" else folder


def _mount(secret: Secret, mount_point: Path, mode: int) -> None:
    """Files lie in a folder of their own, ``..data`` leads to it, and each name leads through ``..data``."""
    written = mount_point / _WRITTEN
    written.mkdir(parents=True)
    (mount_point / "..data").symlink_to(_WRITTEN)
    for name, value in secret.data.items():
        (written / name).write_bytes(value)
        (written / name).chmod(mode)
        (mount_point / name).symlink_to(f"..data/{name}")
    written.chmod(0o555)
