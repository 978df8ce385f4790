"""Wheels built in the test, honest ones and others."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import zipfile

from tests.servers.simple_index import Release


def record(files: dict[str, bytes], info: str) -> bytes:
    lines = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}"
        for path, data in files.items()
    ]
    return "\n".join([*lines, f"{info}/RECORD,,", ""]).encode()


def wheel(files: dict[str, bytes], name: str = "my_policy", version: str = "1.0") -> bytes:
    """A wheel that holds *files* and an honest RECORD."""
    info = f"{name}-{version}.dist-info"
    whole = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    return archive({**whole, f"{info}/RECORD": record(whole, info)})


def archive(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path, data in files.items():
            zipped.writestr(path, data)
    return buffer.getvalue()


def sdist(
    files: dict[str, bytes], top: str, *, twice: str = "", device: str = "", link: tuple[str, str] = ("", "")
) -> bytes:
    """A source archive below *top*, honest or with one of the tricks."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, data in [*files.items(), *([(twice, b"")] if twice else [])]:
            member = tarfile.TarInfo(f"{top}/{path}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        if device or link[0]:
            member = tarfile.TarInfo(f"{top}/{device or link[0]}")
            member.type = tarfile.CHRTYPE if device else tarfile.SYMTYPE
            member.linkname = link[1]
            archive.addfile(member)
    return buffer.getvalue()


def release(version: str = "1.0", *, name: str = "my_policy", tag: str = "py3-none-any", **facts: object) -> Release:
    """A release of a policy package whose __init__ tells its version."""
    data = wheel({f"{name}/__init__.py": f"V = {version!r}\n".encode(), f"{name}/permission.py": b""}, name, version)
    return Release(name.replace("_", "-"), f"{name}-{version}-{tag}.whl", data, **facts)  # type: ignore[arg-type]
