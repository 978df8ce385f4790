"""How the proof gets to run where Rucio would: at the end of the image's own entrypoint.

The entrypoints of Rucio's images (https://github.com/rucio/containers) end in an executable: ``httpd`` for servers, and
for daemons ``rucio-$RUCIO_DAEMON`` in one of two folders. A site's own entrypoint sets variables and calls theirs. A
container without a command, or with one that calls these, is left to do so; the probe lies where the executable would.

A command that runs Rucio itself (``tini -- python -m rucio…``, or a shell script that activates an environment and ends
in ``rucio-reaper``) is kept up to there, and the probe comes in place of Rucio: it must not run beside a proof.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Sequence
from itertools import takewhile

from secretsync.core.model import Manifest
from secretsync.rucio.workload_context import image_name

DAEMON = "secretsync-probe"
"""What ``RUCIO_DAEMON`` names in a proof."""
PATH_FOLDER = "/secretsync-bin"
"""The folder that comes first on ``PATH`` where the container sets that itself."""

_DAEMONS = (f"/usr/local/bin/rucio-{DAEMON}", f"/usr/bin/rucio-{DAEMON}")
_SERVERS = ("/usr/local/sbin/httpd", "/usr/sbin/httpd", f"{PATH_FOLDER}/httpd")
_CALLS_RUCIO = re.compile(r"entrypoint|start-daemon|\bhttpd\b|rucio-\$|RUCIO_DAEMON\b")
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "ksh", "zsh"})
_PYTHON = re.compile(r"python[\d.]*")
_DAEMON = re.compile(r"rucio-[a-z0-9-]+")
_FROM_DIRECTORY = ("--from-directory",)
"""The probe's option for ``python -m``, which looks for packages in the working directory first."""
_SEPARATOR = re.compile(r"[<>]&|&>|(?P<separator>[;&|\n])")
_RUNS_RUCIO = re.compile(
    r"(?P<before>(?:.*[\s(])?)"
    r"(?:(?P<python>\S*\bpython[\d.]*)\s+(?:-\S+\s+)*?-m\s+rucio[\w.]*|(?:[^\s()]*/)?rucio-[a-z0-9-]+)(?:\s.*)?"
)
"""A command of a shell that runs one of Rucio's daemons."""
_LONGEST_COMMAND = 4_000
"""Characters of the last command of a script: longer ones are not read."""
_RUNS_WORDS = re.compile(r"(?:^|[\s;&|])\"?\$[@0]")


def executables(container: Manifest) -> tuple[str, ...]:
    """Where the probe is to lie; empty where the container's own command does not go through an entrypoint."""
    command = [*(container.get("command") or ()), *(container.get("args") or ())]
    if container.get("command") and not any(_CALLS_RUCIO.search(str(argument)) for argument in command):
        return ()
    return _DAEMONS if is_daemon(container) else _SERVERS


def command(container: Manifest, probe: Sequence[str]) -> list[str]:
    """What runs *probe*, the words of a Python program, where the container's own command would run Rucio.

    *probe* alone with ``python3``, where the command does not say how it comes to Rucio.
    """
    words = [str(word) for word in (*(container.get("command") or ()), *(container.get("args") or ()))]
    alone = ["python3", *probe]
    if not container.get("command"):
        return alone
    for place, word in enumerate(words):
        name = posixpath.basename(word)
        if name in _SHELLS and not _passes_on(words, place):
            return _in_script(words, place, probe) or alone
        if _PYTHON.fullmatch(name):
            options = takewhile(lambda option: option.startswith("-"), words[place + 1 :])
            return [*words[:place], word, *probe, *(_FROM_DIRECTORY if "-m" in options else ())]
        if _DAEMON.fullmatch(name):
            return [*words[:place], *alone]
    return alone


def deciding_command(container: Manifest) -> list[str]:
    """The words that a proof runs, less those that only Rucio's daemon or server is given: what may change a load."""
    if not executables(container):
        return command(container, ())
    own = [str(word) for word in container.get("command") or ()]
    words = [*own, *(str(word) for word in container.get("args") or ())]
    has_script = any(posixpath.basename(word) in _SHELLS and _script(words, place) for place, word in enumerate(words))
    return words if has_script else own


def _in_script(words: list[str], place: int, probe: Sequence[str]) -> list[str]:
    """The command of the shell at *place* with a script that ends in the probe; empty where it ends otherwise."""
    number = _script(words, place)
    earlier, last = _last_command(words[number]) if number else ("", "")
    found = _RUNS_RUCIO.fullmatch(last) if len(last) <= _LONGEST_COMMAND else None
    if found is None:
        return []
    arguments = _FROM_DIRECTORY if found["python"] else ()
    script = f"{earlier}{found['before']}{shlex.join([found['python'] or 'python3', *probe, *arguments])}"
    return [*words[:number], script, *words[number + 1 :]]


def _last_command(script: str) -> tuple[str, str]:
    """What stands before the last command of *script*, and that command."""
    script = script.rstrip()
    begin = max((found.end() for found in _SEPARATOR.finditer(script) if found["separator"]), default=0)
    return script[:begin], script[begin:]


def _passes_on(words: list[str], place: int) -> bool:
    """Whether the script of the shell at *place* runs the words behind it, as ``exec "$@"`` does."""
    number = _script(words, place)
    return bool(number) and _RUNS_WORDS.search(words[number]) is not None


def _script(words: list[str], place: int) -> int:
    """The number of the word that is the script of the shell at *place*; 0 where it has none."""
    options = next((number for number, word in enumerate(words) if number > place and _takes_script(word)), len(words))
    return options + 1 if options + 1 < len(words) else 0


def _takes_script(word: str) -> bool:
    return word.startswith("-") and not word.startswith("--") and word.endswith("c")


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
