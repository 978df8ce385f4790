"""How the proof gets to run where Rucio would: at the end of the image's own entrypoint.

The entrypoints of Rucio's images (https://github.com/rucio/containers) end in an executable: ``httpd`` for servers, and
for daemons ``rucio-$RUCIO_DAEMON`` in one of two folders. A site's own entrypoint sets variables and calls theirs. A
container without a command, or with one that calls these, is left to do so; the probe lies where the executable would.
"""

from __future__ import annotations

import re

from secretsync.core.model import Manifest
from secretsync.rucio.workload_context import image_name

DAEMON = "secretsync-probe"
"""What ``RUCIO_DAEMON`` names in a proof."""
PATH_FOLDER = "/secretsync-bin"
"""The folder that comes first on ``PATH`` where the container sets that itself."""

_DAEMONS = (f"/usr/local/bin/rucio-{DAEMON}", f"/usr/bin/rucio-{DAEMON}")
_SERVERS = ("/usr/local/sbin/httpd", "/usr/sbin/httpd", f"{PATH_FOLDER}/httpd")
_CALLS_RUCIO = re.compile(r"entrypoint|start-daemon|\bhttpd\b|rucio-\$|RUCIO_DAEMON\b")


def executables(container: Manifest) -> tuple[str, ...]:
    """Where the probe is to lie; empty where the container's own command does not go through an entrypoint."""
    command = [*(container.get("command") or ()), *(container.get("args") or ())]
    if container.get("command") and not any(_CALLS_RUCIO.search(str(argument)) for argument in command):
        return ()
    return _DAEMONS if is_daemon(container) else _SERVERS


def environment(container: Manifest) -> list[Manifest]:
    """The container's variables, such that its entrypoint comes to the probe."""
    variables: list[Manifest] = [
        {**variable, "value": f"{PATH_FOLDER}:{variable['value']}"}
        if variable["name"] == "PATH" and variable.get("value")
        else variable
        for variable in container.get("env") or ()
        if variable["name"] != "RUCIO_DAEMON"
    ]
    return [*variables, {"name": "RUCIO_DAEMON", "value": DAEMON}] if is_daemon(container) else variables


def is_daemon(container: Manifest) -> bool:
    """Whether a container runs one of Rucio's daemons, by its variables or its image's name."""
    variables = {variable["name"] for variable in container.get("env") or ()}
    return "RUCIO_DAEMON" in variables or "daemons" in image_name(container.get("image") or "")
