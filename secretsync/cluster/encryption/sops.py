"""A Secret as the site's own sops encrypts it, for the keys that its ``.sops.yaml`` names.

The content goes to sops through a pipe and is on no disk. https://getsops.io/docs/#using-sops-yaml-conf-to-select-kms-pgp-and-age-for-new-files
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import yaml

from secretsync.cluster.encryption.encryption import dump
from secretsync.cluster.encryption.errors import SopsFailed, SopsMissing, SopsWithoutRule
from secretsync.core.escape import visible
from secretsync.core.log import redact
from secretsync.core.model import Manifest, Secret
from secretsync.core.secret_codec import to_manifest

CONFIGURATION = ".sops.yaml"

_ENCRYPTED = "^(data|stringData)$"
"""What is encrypted: names, labels and annotations stay readable, as Flux and people need them."""

_SECONDS = 120.0
_LONGEST_REASON = 200
_NO_RULE = "no matching creation rules found"

_PASSED_ON = (
    *("PATH", "HOME", "USER", "TMPDIR", "LANG", "LC_ALL", "XDG_CONFIG_HOME", "GNUPGHOME", "SOPS_GPG_EXEC"),
    *(
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    ),
)
_KEY_SERVICES = ("AWS_", "AZURE_", "GOOGLE_", "VAULT_")
"""Key services take their credentials from these. Who decrypts (SOPS_AGE_KEY) or for whom (SOPS_AGE_RECIPIENTS) is
not passed on: the rules decide."""


class Sops:
    """The ``sops`` on PATH; a ``.sops.yaml`` is looked for from a file's folder up to *root*."""

    def __init__(self, root: Path, seconds: float = _SECONDS) -> None:
        self._root, self._seconds = root, seconds

    def refuse_unusable(self) -> None:
        """Raises SopsMissing."""
        if not shutil.which("sops"):
            raise SopsMissing

    def encrypt(self, secret: Secret, path: Path, previous: Manifest | None) -> str:  # noqa: ARG002 - others' part is in secret
        """The text of an encrypted Secret. Raises SopsMissing, SopsWithoutRule and SopsFailed."""
        self.refuse_unusable()
        path = path.absolute()
        file = self._shown(path)
        rules = self._rules(path)
        if rules is None:
            raise SopsWithoutRule(file, "")
        manifest = to_manifest(secret)
        status, output, complaint = self._run(rules, path, dump(manifest), file)
        if status != 0:
            if _NO_RULE in complaint:
                raise SopsWithoutRule(file, self._shown(rules))
            reason = _reason(complaint.replace(f"{self._root}/", ""))  # which is a copy that nobody knows
            raise SopsFailed(file, f"ended with exit code {status} ({reason})")
        _refuse_readable(output, manifest, file)
        return output

    def _rules(self, path: Path) -> Path | None:
        folders = (folder for folder in path.parents if folder.is_relative_to(self._root))
        return next((rules_file for folder in folders if (rules_file := folder / CONFIGURATION).is_file()), None)

    def _shown(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix() if self._root != Path("/") else str(path)

    def _run(self, rules: Path, path: Path, text: str, file: str) -> tuple[int, str, str]:
        command = ["sops", "--config", str(rules), "--encrypt", "--encrypted-regex", _ENCRYPTED]
        formats = ["--input-type", "yaml", "--output-type", "yaml", "--filename-override", str(path), "/dev/stdin"]
        process = subprocess.Popen(
            [*command, *formats],
            env=_environment(),
            cwd=rules.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        with process:
            try:
                output, complaint = process.communicate(text.encode(), self._seconds)
            except subprocess.TimeoutExpired:
                raise SopsFailed(file, f"did not end within {self._seconds:g} s") from None
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # and the agents that it started
        return process.returncode, output.decode(errors="replace"), complaint.decode(errors="replace")


def _environment() -> dict[str, str]:
    names = [name for name in os.environ if name in _PASSED_ON or name.startswith(_KEY_SERVICES)]
    return {name: os.environ[name] for name in names}


def _reason(complaint: str) -> str:
    lines = complaint.strip().splitlines() or ["it says nothing"]
    return visible(redact(lines[-1]))[:_LONGEST_REASON]


def _refuse_readable(text: str, sent: Manifest, file: str) -> None:
    """What goes to git is the manifest that was sent, with each value encrypted. Raises SopsFailed."""
    try:
        manifest = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise SopsFailed(file, "answered no YAML") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("sops"), dict):
        raise SopsFailed(file, "answered no encrypted manifest")
    values, sent_data = manifest.pop("data", None) or {}, sent.get("data") or {}
    if values.keys() != sent_data.keys() or not all(str(value).startswith("ENC[") for value in values.values()):
        raise SopsFailed(file, "left values readable")
    described = {key: value for key, value in manifest.items() if key != "sops"}
    if described != {key: value for key, value in sent.items() if key != "data"}:
        raise SopsFailed(file, "encrypted more than 'data': give its rule encrypted_regex: ^(data|stringData)$")
