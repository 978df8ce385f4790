"""A kubeconfig's exec plugin: a program that gives the credentials (client.authentication.k8s.io).

Unlike the Python client's own, it ends every failure in a sentence, before any request is made without credentials.
https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from secretsync.core.errors import ConfigError

_SECONDS = 60.0
_LARGEST = 1 << 20


@dataclass(eq=False)
class ExecPluginFailed(ConfigError):
    """The plugin gave no credentials; *reason* holds nothing of what it wrote, which may be a credential."""

    code = "exec_plugin_failed"

    command: str
    reason: str
    hint: str = ""

    def __str__(self) -> str:
        hint = f" {self.hint}" if self.hint else ""
        return f"the kubeconfig's exec plugin {self.command!r} {self.reason}; run it by hand to see more.{hint}"


def credentials(plugin: Mapping[str, Any], folder: str, cluster: Mapping[str, Any] | None) -> dict[str, str]:
    """The ``status`` of what the plugin answers: a token, or a certificate and its key, and until when they hold.

    *plugin* is the ``exec`` of the kubeconfig's user, *folder* the kubeconfig's. Raises ExecPluginFailed.
    """
    command, version = str(plugin.get("command") or ""), str(plugin.get("apiVersion") or "")
    hint = " ".join(str(plugin.get("installHint") or "").split())[:300]
    if not command or not version:
        raise ExecPluginFailed(command, "has no command or no apiVersion")
    if plugin.get("interactiveMode") == "Always":
        raise ExecPluginFailed(command, "wants a terminal (interactiveMode: Always), which secretsync does not give")
    environment = {**os.environ, **_variables(plugin), "KUBERNETES_EXEC_INFO": _information(version, plugin, cluster)}
    try:
        code, output = _run([command, *map(str, plugin.get("args") or ())], environment, folder or None)
    except FileNotFoundError:
        raise ExecPluginFailed(command, "is not installed", hint) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", "") or "its command or environment has a null byte"
        raise ExecPluginFailed(command, f"cannot be started: {reason}") from None
    except subprocess.TimeoutExpired:
        raise ExecPluginFailed(command, f"did not end within {_SECONDS:g} s") from None
    if code != 0:
        raise ExecPluginFailed(command, f"ended with exit code {code}")
    return _status(command, version, output)


def _run(command: Sequence[str], environment: Mapping[str, str], folder: str | None) -> tuple[int, bytes]:
    """The exit code, and the beginning of what it wrote; what it left behind has ended, and is not waited for.

    Raises OSError, ValueError, subprocess.TimeoutExpired.
    """
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    beginning = bytearray()
    reader = threading.Thread(target=_keep_beginning, args=(process.stdout, beginning), daemon=True)
    reader.start()
    try:
        code = process.wait(_SECONDS)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    reader.join(1)  # a child in a session of its own may hold the output open
    return code, bytes(beginning)


def _keep_beginning(stream: IO[bytes], beginning: bytearray) -> None:
    """Read all, so that the plugin never waits for a full pipe, and keep no more than a credential has."""
    while piece := stream.read1(_LARGEST):  # type: ignore[attr-defined]  # a BufferedReader
        beginning += piece[: _LARGEST - len(beginning)]


def _variables(plugin: Mapping[str, Any]) -> dict[str, str]:
    """Those that the kubeconfig gives it; entries of another form are passed over."""
    entries = plugin.get("env")
    named = (entry for entry in entries if isinstance(entry, dict)) if isinstance(entries, list) else ()
    return {str(entry["name"]): str(entry.get("value", "")) for entry in named if entry.get("name")}


def _information(version: str, plugin: Mapping[str, Any], cluster: Mapping[str, Any] | None) -> str:
    spec: dict[str, Any] = {"interactive": False}
    if plugin.get("provideClusterInfo") and cluster is not None:
        spec["cluster"] = dict(cluster)
        for extension in cluster.get("extensions") or ():
            if extension.get("name") == "client.authentication.k8s.io/exec":
                spec["cluster"]["config"] = extension.get("extension")
    return json.dumps({"apiVersion": version, "kind": "ExecCredential", "spec": spec}, default=str)


def _status(command: str, version: str, output: bytes) -> dict[str, str]:
    try:
        credential = json.loads(output)
    except (ValueError, RecursionError):
        raise ExecPluginFailed(command, "answered no JSON") from None
    if not isinstance(credential, dict) or credential.get("kind") != "ExecCredential":
        raise ExecPluginFailed(command, "answered no ExecCredential")
    if credential.get("apiVersion") != version:
        raise ExecPluginFailed(command, f"answered another apiVersion than {version}")
    status = credential.get("status")
    if not isinstance(status, dict):
        raise ExecPluginFailed(command, "answered no status")
    fields = {str(key): value for key, value in status.items() if isinstance(value, str) and value}
    has_certificate = {"clientCertificateData", "clientKeyData"} <= fields.keys()
    if "token" in fields and not (fields["token"].isascii() and fields["token"].isprintable()):
        raise ExecPluginFailed(command, "answered a token that no header can hold")
    if "token" not in fields and not has_certificate:
        raise ExecPluginFailed(command, "answered neither a token nor a certificate and its key")
    return fields


def base_folder(path: str | None) -> str:
    """The folder that relative paths of the kubeconfig at *path* start from."""
    return str(Path(path).absolute().parent) if path else ""
