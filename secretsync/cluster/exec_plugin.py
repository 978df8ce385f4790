"""A kubeconfig's exec plugin: a program that gives the credentials (client.authentication.k8s.io).

Unlike the Python client's own, it ends every failure in a sentence, before any request is made without credentials.
https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from secretsync.core.errors import ConfigError

_SECONDS = 60
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
    try:
        completed = subprocess.run(
            [command, *map(str, plugin.get("args") or ())],
            env={**os.environ, **_variables(plugin), "KUBERNETES_EXEC_INFO": _information(version, plugin, cluster)},
            cwd=folder or None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise ExecPluginFailed(command, "is not installed", hint) from None
    except OSError as error:
        raise ExecPluginFailed(command, f"cannot be started: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise ExecPluginFailed(command, f"did not end within {_SECONDS} s") from None
    if completed.returncode != 0:
        raise ExecPluginFailed(command, f"ended with exit code {completed.returncode}")
    return _status(command, version, completed.stdout[:_LARGEST])


def _variables(plugin: Mapping[str, Any]) -> dict[str, str]:
    return {str(entry["name"]): str(entry["value"]) for entry in plugin.get("env") or ()}


def _information(version: str, plugin: Mapping[str, Any], cluster: Mapping[str, Any] | None) -> str:
    spec: dict[str, Any] = {"interactive": False}
    if plugin.get("provideClusterInfo") and cluster is not None:
        spec["cluster"] = dict(cluster)
        for extension in cluster.get("extensions") or ():
            if extension.get("name") == "client.authentication.k8s.io/exec":
                spec["cluster"]["config"] = extension.get("extension")
    return json.dumps({"apiVersion": version, "kind": "ExecCredential", "spec": spec})


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
