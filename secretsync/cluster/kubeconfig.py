"""A kubeconfig as kubectl reads it: what the Python client passes over is obeyed here, or refused.

Impersonation (``as``) becomes headers, a ``tokenFile`` is read again as it changes, and who has credentials that
cannot be had makes no request without them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from secretsync.cluster.exec_plugin import base_folder, credentials
from secretsync.cluster.slim_client import ConfigException, Configuration, slim_imports
from secretsync.core.times import iso_time

with slim_imports():
    from kubernetes.config.kube_config import FileOrData, KubeConfigLoader, KubeConfigMerger

_DEFAULT = "~/.kube/config"
_CREDENTIALS = ("token", "tokenFile", "exec", "auth-provider", "username")
_CERTIFICATE = {"client-certificate", "client-certificate-data"}
_READ_AGAIN = timedelta(minutes=6)
"""From now to the expiry of a token from a file: the client asks anew five minutes before an expiry."""


def load(context: str, path: Path | None, configuration: Configuration) -> tuple[tuple[str, str], ...]:
    """Set *configuration* for *context* of the kubeconfig; returns the headers of who it acts as.

    Raises ConfigException, ExecPluginFailed, OSError, and what a file of another form leads to.
    """
    files = str(path.expanduser()) if path else os.environ.get("KUBECONFIG") or _DEFAULT
    merged = KubeConfigMerger(files).config
    if merged is None:
        raise ConfigException(
            f"there is no kubeconfig at {files}: set KUBECONFIG, or write 'kubeconfig: PATH' beside 'context'; "
            "in a pod, write 'inCluster: true'"
        )
    contexts = [str(context["name"]) for context in merged.safe_get("contexts") or ()]
    if context not in contexts:
        raise ConfigException(f"there is no such context; the contexts are: {', '.join(contexts) or 'none'}")
    loader = _Loader(config_dict=merged, active_context=context)  # type: ignore[no-untyped-call]  # the client has no types
    loader.load_and_set(configuration)  # type: ignore[no-untyped-call]  # the client has no types
    _refuse_unusable_server(configuration.host)
    return loader.identity()


def _refuse_unusable_server(url: str) -> None:
    """Raises ConfigException, without what may be a password, where no request can be made to *url*."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ConfigException("its cluster's 'server' is no URL that begins with https:// or http://.")
    if "@" in parts.netloc:
        raise ConfigException("its cluster's 'server' holds a user or a password: the user's entry is their place.")


class _Loader(KubeConfigLoader):
    """The client's loader, strict where it would go on without credentials."""

    _user: Any
    _cluster: Any

    def identity(self) -> tuple[tuple[str, str], ...]:
        return tuple(impersonation(self._user.value)) if self._user else ()

    def _load_authentication(self) -> None:
        super()._load_authentication()  # type: ignore[no-untyped-call]  # the client has no types
        written = self._user.value if self._user else {}
        named = [key for key in _CREDENTIALS if key in written]
        credentials = _CERTIFICATE & written.keys() or {"token", "cert_file"} & self.__dict__.keys()
        if isinstance(written.get("token"), (dict, list)) or not _fits_a_header(self.__dict__.get("token", "-")):
            raise ConfigException("its user's token is no text that a header can hold.")
        if named and not credentials:
            raise ConfigException(f"its user's {named[0]!r} gives no credentials that can be used here.")

    def _load_user_token(self) -> bool | None:
        """A file's token wins over one that is written down, and is read anew, as kubectl does."""
        if not self._user.safe_get("tokenFile"):
            return super()._load_user_token()  # type: ignore[no-any-return, no-untyped-call]  # as above
        token = (Path(base_folder(self._user.path)) / self._user["tokenFile"]).read_text().strip()
        if not token or not _fits_a_header(token):
            raise ConfigException("its user's tokenFile holds no token: it is empty, or has more than one line.")
        self.token = f"Bearer {token}"
        self.expiry = datetime.now(UTC) + _READ_AGAIN
        return True

    def _load_from_exec_plugin(self) -> bool | None:
        if "exec" not in self._user:
            return None
        status = credentials(self._user["exec"].value, base_folder(self._user.path), self._cluster.value)
        if "token" in status:
            self.token = f"Bearer {status['token']}"
        if "clientCertificateData" in status:
            self.cert_file, self.key_file = (_file(status, key) for key in ("clientCertificateData", "clientKeyData"))
        if "expirationTimestamp" in status:
            self.expiry = _time(status["expirationTimestamp"])
        return True


def impersonation(user: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The headers of the identity that a kubeconfig's *user* acts as. Raises ConfigException.

    https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
    """
    name, uid = user.get("as") or "", user.get("as-uid") or ""
    groups, extra = user.get("as-groups") or [], user.get("as-user-extra") or {}
    if not isinstance(groups, list) or not isinstance(extra, dict):
        raise ConfigException("its user's as-groups is no list, or as-user-extra no mapping.")
    if not name and (uid or groups or extra):
        raise ConfigException("its user has as-uid, as-groups or as-user-extra without 'as'.")
    if name:
        yield "Impersonate-User", _header(name)
    if uid:
        yield "Impersonate-Uid", _header(uid)
    for group in groups:
        yield "Impersonate-Group", _header(group)
    for key, values in extra.items():
        for value in values if isinstance(values, list) else [values]:
            yield f"Impersonate-Extra-{quote(str(key).lower(), safe='')}", _header(value)


def _fits_a_header(token: str) -> bool:
    return token.isascii() and token.isprintable()


def _header(value: object) -> str:
    """Bytes of UTF-8, as http.client takes them: it writes Latin-1."""
    text = str(value)
    if isinstance(value, (dict, list)) or not text or not text.isprintable():
        raise ConfigException("its user acts as a name that no header can hold.")
    return text.encode().decode("latin-1")


def _file(status: Mapping[str, str], key: str) -> str:
    path: str = FileOrData(dict(status), None, data_key_name=key, base64_file_content=False).as_file()
    return path


def _time(text: str) -> datetime:
    if time := iso_time(text):
        return time
    raise ConfigException("its user's exec plugin answers an expirationTimestamp that is no time.")
