"""A kubeconfig as kubectl reads it: what the Python client passes over is obeyed here, or refused.

Impersonation (``as``) becomes headers, a ``tokenFile`` is read again as it changes, and who has credentials that
cannot be had makes no request without them.
"""

from __future__ import annotations

import base64
import os
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import yaml

from secretsync.cluster.exec_plugin import base_folder, credentials
from secretsync.cluster.slim_client import ConfigException, Configuration, slim_imports
from secretsync.core.files import opened_regular, read_regular
from secretsync.core.foreign import read_yaml
from secretsync.core.log import register_secret
from secretsync.core.times import iso_time

with slim_imports():
    from kubernetes.config.kube_config import ConfigNode, FileOrData, KubeConfigLoader

_DEFAULT = "~/.kube/config"
_CREDENTIALS = ("token", "tokenFile", "exec", "auth-provider", "username")
_CERTIFICATE = {"client-certificate", "client-certificate-data"}
_FILES = ("certificate-authority", "client-certificate", "client-key")
_SECRETS = ("token", "password", "client-key-data")
_SECTIONS = ("clusters", "contexts", "users")
_READ_AGAIN = timedelta(minutes=6)
"""From now to the expiry of a token from a file: the client asks anew five minutes before an expiry."""


def load(context: str, path: Path | None, configuration: Configuration) -> tuple[tuple[str, str], ...]:
    """Set *configuration* for *context* of the kubeconfig; returns the headers of who it acts as.

    Raises ConfigException, ExecPluginFailed, OSError, and what a file of another form leads to.
    """
    files = str(path.expanduser()) if path else os.environ.get("KUBECONFIG") or _DEFAULT
    merged = _merged([file for name in files.split(os.pathsep) if name and (file := Path(name).expanduser()).exists()])
    if merged is None:
        raise ConfigException(
            f"there is no kubeconfig at {files}: set KUBECONFIG, or write 'kubeconfig: PATH' beside 'context'; "
            "in a pod, write 'inCluster: true'"
        )
    contexts = [str(context["name"]) for context in merged.safe_get("contexts") or ()]
    if context not in contexts:
        raise ConfigException(f"there is no such context; the contexts are: {', '.join(contexts) or 'none'}")
    loader = _Loader(config_dict=merged, active_context=context)  # type: ignore[no-untyped-call]  # the client has no types
    loader.prepare()
    loader.load_and_set(configuration)  # type: ignore[no-untyped-call]  # the client has no types
    _refuse_unusable_server(configuration.host)
    _refuse_unusable_certificates(configuration)
    return loader.identity()


def _merged(files: list[Path]) -> Any:
    """The files as one, of entries of the same name the first; None where there is no file.

    Not by the client, whose errors hold what an entry says, credentials too. Raises ConfigException, OSError.
    https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#merging-kubeconfig-files
    """
    sections: dict[str, list[Any]] = {section: [] for section in _SECTIONS}
    for file in files:
        try:
            document = next(read_yaml(read_regular(file).decode("utf-8-sig")), None)
        except OSError as error:
            raise ConfigException(f"{file} cannot be read: {error.strerror}.") from None
        except (yaml.YAMLError, ValueError, RecursionError):
            raise ConfigException(f"{file} is not a kubeconfig: it is no YAML, or too large.") from None
        if document is None:
            continue  # kubectl passes over a file that is empty
        if not isinstance(document, dict):
            raise ConfigException(f"{file} is not a kubeconfig: it is no mapping.")
        for section, entries in sections.items():
            known = {entry.value["name"] for entry in entries}
            for entry in _entries(document, section, file):
                if entry["name"] not in known:
                    entries.append(ConfigNode(f"{file}/{section}/{entry['name']}", entry, str(file)))
                    known.add(entry["name"])
    return ConfigNode("the kubeconfig", sections, str(files[0])) if files else None


def _entries(document: Mapping[str, Any], section: str, file: Path) -> list[dict[str, Any]]:
    entries = document.get(section) or []
    if not isinstance(entries, list):
        raise ConfigException(f"{file}: {section} is no list.")
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise ConfigException(f"{file}: an entry of {section} is no mapping with a name.")
    return entries


def _refuse_unusable_certificates(configuration: Configuration) -> None:
    """Raises ConfigException where no TLS connection can be made with these: OpenSSL would say so with each request."""
    if not configuration.host.startswith("https:"):
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if configuration.ssl_ca_cert:
        try:
            context.load_verify_locations(configuration.ssl_ca_cert)
        except OSError:
            raise ConfigException("its cluster's certificate-authority holds no certificate in PEM.") from None
    if configuration.cert_file and not configuration.key_file:
        raise ConfigException("its user has a client-certificate without a client-key.")
    if configuration.cert_file:
        try:
            context.load_cert_chain(configuration.cert_file, configuration.key_file, password=_refuse_password)
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise ConfigException("its user's client-key does not belong to the client-certificate.") from None
            reason = f"is not in PEM, or refused by OpenSSL ({error.reason or 'PEM'})"
            raise ConfigException(f"its user's client-certificate or client-key {reason}.") from None


def _refuse_password() -> str:
    raise ConfigException("its user's client-key is encrypted: secretsync has no password for it.")


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
    _current_context: Any

    def prepare(self) -> None:
        """Have nothing in the way of what kubectl would read: empty fields, and files of another folder or kind.

        Raises ConfigException.
        """
        if self._current_context["context"].safe_get("user") and self._user is None:
            raise ConfigException("its user is not among the users of the kubeconfig.")
        for node in filter(None, (self._cluster, self._user)):
            for key in [key for key, value in node.value.items() if value in ("", None)]:
                del node.value[key]
            _resolve_files(node.value, base_folder(node.path))
        for secret in _SECRETS:
            if self._user and isinstance(value := self._user.value.get(secret), str):
                register_secret(value)
        _check_tls(self._cluster.value)

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
        path = Path(base_folder(self._user.path)) / self._user["tokenFile"]
        try:
            token = read_regular(path).decode().strip()
        except OSError as error:
            raise ConfigException(f"its user's tokenFile {path} cannot be read: {error.strerror}.") from None
        if not token or not _fits_a_header(token):
            raise ConfigException("its user's tokenFile holds no token: it is empty, or has more than one line.")
        register_secret(token)
        self.token = f"Bearer {token}"
        self.expiry = datetime.now(UTC) + _READ_AGAIN
        return True

    def _load_from_exec_plugin(self) -> bool | None:
        if "exec" not in self._user:
            return None
        status = credentials(self._user["exec"].value, base_folder(self._user.path), self._cluster.value)
        for secret in {"token", "clientKeyData"} & status.keys():
            register_secret(status[secret])
        if "token" in status:
            self.token = f"Bearer {status['token']}"
        if "clientCertificateData" in status:
            self.cert_file, self.key_file = (_file(status, key) for key in ("clientCertificateData", "clientKeyData"))
        if "expirationTimestamp" in status:
            self.expiry = _time(status["expirationTimestamp"])
        return True


def _resolve_files(section: dict[str, Any], folder: str) -> None:
    """Make paths absolute, and refuse what cannot be read. Raises ConfigException."""
    for key in _FILES:
        data = section.get(f"{key}-data")
        if data is not None and not _is_base64(data):
            raise ConfigException(f"{key}-data is not base64.")
        if data is None and key in section:
            section[key] = str(Path(folder) / str(section[key]))
            try:
                with opened_regular(Path(section[key])):
                    pass
            except OSError as error:
                raise ConfigException(f"{key} {section[key]} cannot be read: {error.strerror}.") from None


def _is_base64(data: object) -> bool:
    try:
        return isinstance(data, str) and bool(base64.b64decode("".join(data.split()), validate=True))
    except ValueError:
        return False


def _check_tls(cluster: Mapping[str, Any]) -> None:
    """Raises ConfigException for what kubectl would refuse, and the client takes for something else."""
    insecure, name = cluster.get("insecure-skip-tls-verify", False), cluster.get("tls-server-name", "-")
    if not isinstance(insecure, bool):
        raise ConfigException("its cluster's insecure-skip-tls-verify is neither true nor false.")
    if insecure and {"certificate-authority", "certificate-authority-data"} & cluster.keys():
        raise ConfigException(
            "its cluster has a certificate-authority and insecure-skip-tls-verify, which kubectl refuses too: drop one."
        )
    if not isinstance(cluster.get("proxy-url", ""), str):
        raise ConfigException("its cluster's proxy-url is no URL.")
    if not isinstance(name, str) or not name.isprintable() or not name.isascii():
        raise ConfigException("its cluster's tls-server-name is no name of a host.")


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
