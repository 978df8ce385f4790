"""Every way in: who asks, how it is known who answers, and one named error for each way it fails."""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from secretsync.config import Package, credentials
from secretsync.config.access import Access, FromFile
from secretsync.config.credentials import CredentialsOverPlainHttp, NoCredential, read
from secretsync.core.model import Bundle
from secretsync.sources.git.errors import (
    AccessRefused,
    CertificateNotTrusted,
    GitFailed,
    HostKeyChanged,
    HostKeyUnknown,
    KeyRejected,
    PassphraseRefused,
    RepositoryMoved,
)
from secretsync.sources.git.remote import VerificationTurnedOff
from secretsync.sources.git.ssh import KeyFileUnusable, KnownHostsMissing
from secretsync.sources.index.errors import IndexAccessRefused, IndexFailed
from secretsync.sources.open import open_source
from tests.servers import git_http, simple_index, ssh
from tests.servers.certificates import Authority
from tests.servers.git_http import Behaviour
from tests.servers.simple_index import SimpleIndex
from tests.sources.layouts import POLICY, below, commit, write
from tests.sources.wheels import release

pytestmark = pytest.mark.slow  # each case starts git and ssh

CANARY = "canary-4dbe1f7c"


def fetch(requirement: str, folder: Path, **keys: object) -> Bundle:
    raw = {"moduleName": "my_policy", "requirement": requirement, **keys}
    source = open_source(Package.model_validate(raw, by_alias=True), cache=folder / "cache", base=folder)
    return source.fetch(source.resolve())


@pytest.fixture
def served(tmp_path: Path) -> Path:
    write(tmp_path / "served" / "policy", below("my_policy", POLICY))
    commit(tmp_path / "served" / "policy")
    return tmp_path / "served"


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(f"{CANARY}\n")
    return path


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def argv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with the arguments of each git and ssh that is started."""
    recorded, folder = tmp_path / "argv", tmp_path / "recorder"
    folder.mkdir()
    recorded.touch()
    for name in ("git", "ssh"):
        (folder / name).write_text(
            f'#!/bin/sh\nprintf "%s\\n" "$0" "$@" >> {recorded}\nPATH="${{PATH#*:}}"\nexec {name} "$@"\n'
        )
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return recorded


@pytest.fixture
def https(served: Path, authority: Authority) -> Iterator[tuple[str, Behaviour]]:
    behaviour = Behaviour()
    with git_http.serve(served, behaviour=behaviour, certificate=authority.certificate("server")) as address:
        yield f"git+{address}/policy", behaviour


@pytest.mark.parametrize(
    ("users", "bearer", "access"),
    [
        ({"x-access-token": CANARY}, "", {"token": {"file": "token"}}),
        ({"oauth2": CANARY}, "", {"token": {"env": "SITE_TOKEN"}, "username": "oauth2"}),
        ({"me": CANARY}, "", {"password": {"file": "token"}, "username": "me"}),
        ({}, CANARY, {"bearer": {"file": "token"}}),
    ],
    ids=["GitHub App", "GitLab", "user and password", "bearer"],
)
def test_a_credential_from_a_file_or_a_variable_opens_a_repository_and_shows_nowhere(
    users: dict[str, str],
    bearer: str,
    access: dict[str, object],
    https: tuple[str, Behaviour],
    authority: Authority,
    token: Path,
    argv: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    url, behaviour = https
    behaviour.users, behaviour.bearer = users, bearer
    monkeypatch.setenv("SITE_TOKEN", CANARY)
    assert fetch(url, tmp_path, access={**access, "ca": str(authority.ca)}).files
    assert_the_canary_is_nowhere(tmp_path, argv, capfd)


@pytest.mark.parametrize("access", [{"token": {"file": "token"}}, {"bearer": {"file": "token"}}])
def test_a_refused_credential_is_named_without_being_shown(
    access: dict[str, object],
    https: tuple[str, Behaviour],
    authority: Authority,
    token: Path,
    argv: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    url, behaviour = https
    behaviour.users = {"somebody": "else"}
    with pytest.raises(AccessRefused, match="wrong or expired") as refused:
        fetch(url, tmp_path, access={**access, "ca": str(authority.ca)})
    assert CANARY not in f"{refused.value!r} {refused.value} {refused.value.args} {refused.value.__context__!r}"
    assert_the_canary_is_nowhere(tmp_path, argv, capfd)


def assert_the_canary_is_nowhere(folder: Path, argv: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shapes = [CANARY, *(base64.b64encode(f"{user}:{CANARY}".encode()).decode() for user in ("x-access-token", "me"))]
    written = [path.read_bytes() for path in (folder / "cache").rglob("*") if path.is_file()]
    said = "".join(capfd.readouterr())
    assert argv.read_text()
    for shape in shapes:
        assert shape not in argv.read_text()
        assert shape not in said
        assert not [data for data in written if shape.encode() in data]


def test_a_token_file_is_read_again_for_each_fetch(
    https: tuple[str, Behaviour], authority: Authority, token: Path, tmp_path: Path
) -> None:
    url, behaviour = https
    access = {"token": {"file": "token"}, "ca": str(authority.ca)}
    raw = {"moduleName": "my_policy", "requirement": url, "access": access}
    source = open_source(Package.model_validate(raw, by_alias=True), cache=tmp_path / "cache", base=tmp_path)
    for value in ("first", "second"):
        behaviour.users = {"x-access-token": value}
        token.write_text(value)
        assert source.resolve()


def test_a_redirect_gets_no_credential(
    https: tuple[str, Behaviour], authority: Authority, served: Path, token: Path, tmp_path: Path
) -> None:
    url, behaviour = https
    elsewhere = Behaviour()
    with git_http.serve(served, behaviour=elsewhere, certificate=authority.certificate("other")) as address:
        behaviour.redirect = address
        with pytest.raises(RepositoryMoved, match="new URL"):
            fetch(url, tmp_path, access={"token": {"file": "token"}, "ca": str(authority.ca)})
    assert elsewhere.requests == []


@pytest.mark.parametrize("kind", ["git", "index"])
def test_credentials_are_refused_over_plain_http_unless_allowed_by_name(
    kind: str, served: Path, token: Path, tmp_path: Path
) -> None:
    index = SimpleIndex([release()], user="u", password=CANARY)
    behaviour = Behaviour(users={"u": CANARY})
    access: dict[str, object] = {"token": {"file": "token"}, "username": "u"}
    with git_http.serve(served, behaviour=behaviour) as address, simple_index.serve(index) as url:
        requirement = f"git+{address}/policy" if kind == "git" else "my-policy"
        with pytest.raises(CredentialsOverPlainHttp, match="allowPlainHttp"):
            fetch(requirement, tmp_path, index=url, access=access)
        assert behaviour.requests == index.requests == []
        assert fetch(requirement, tmp_path, index=url, access={**access, "allowPlainHttp": True}).files


def test_a_credential_that_this_user_may_not_read_says_who_decides_that_in_a_pod(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(credentials, "read_regular", refuse)  # the tests' own user may be one who may read everything
    with pytest.raises(NoCredential, match=r"may not be read by this user .* fsGroup"):
        read(FromFile(file=Path("token")), tmp_path, "access.token")


@pytest.mark.parametrize("credential", [{"file": "nowhere"}, {"file": "empty"}, {"env": "NOT_SET_AT_ALL"}])
def test_a_credential_that_is_not_there_is_named(credential: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(NoCredential, match=next(iter(credential.values()))):
        fetch("git+https://localhost:1/policy", tmp_path, access={"token": credential})


def test_a_private_authority_must_be_named(https: tuple[str, Behaviour], authority: Authority, tmp_path: Path) -> None:
    url, _ = https
    with pytest.raises(CertificateNotTrusted, match=r"access\.ca"):
        fetch(url, tmp_path)
    assert fetch(url, tmp_path, access={"ca": str(authority.ca)}).files


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("ca", b"", "holds no certificate in PEM"),
        ("ca", b"\x30\x82\x01\x0a", "holds no certificate in PEM"),
        ("clientCertificate", b"-----BEGIN PRIVATE KEY-----\n", "holds no certificate in PEM"),
        ("clientKey", b"-----BEGIN CERTIFICATE-----\n", "holds no private key in PEM"),
        ("clientKey", b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n", "is encrypted"),
        ("clientKey", b"-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n", "is encrypted"),
    ],
)
def test_a_file_of_certificates_that_no_library_can_use_is_named_before_anybody_is_asked(
    name: str, content: bytes, words: str, tmp_path: Path
) -> None:
    (tmp_path / "file.pem").write_bytes(content)
    for requirement in ("git+https://localhost:1/policy", "my-policy"):
        with pytest.raises(NoCredential, match=words) as refused:
            fetch(requirement, tmp_path, index="https://localhost:1/simple", access={name: "file.pem"})
        assert f"access.{name}" in str(refused.value)


def test_a_variable_that_turns_verification_off_is_refused(
    https: tuple[str, Behaviour], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_SSL_NO_VERIFY", "1")
    with pytest.raises(VerificationTurnedOff):
        fetch(https[0], tmp_path)


def test_a_client_certificate_is_shown(served: Path, authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.certificate("client")
    access = {"ca": str(authority.ca)}
    with git_http.serve(served, certificate=authority.certificate("server"), client_ca=authority.ca) as address:
        url = f"git+{address}/policy"
        with pytest.raises(GitFailed):
            fetch(url, tmp_path, access=access)
        assert fetch(url, tmp_path, access={**access, "clientCertificate": str(certificate), "clientKey": str(key)})


def test_an_index_with_credentials_and_a_private_authority(
    authority: Authority, token: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETRC", os.devnull)
    index = SimpleIndex([release()], user="__token__", password=CANARY)
    access: dict[str, object] = {"ca": str(authority.ca)}
    with simple_index.serve(index, certificate=authority.certificate("server")) as url:
        with pytest.raises(IndexFailed, match="not trusted"):
            fetch("my-policy", tmp_path, index=url)
        with pytest.raises(IndexAccessRefused):
            fetch("my-policy", tmp_path, index=url, access=access)
        assert fetch("my-policy", tmp_path, index=url, access={**access, "token": {"file": "token"}}).files


def test_an_indexs_credential_does_not_go_to_the_host_of_its_files(
    authority: Authority, token: Path, tmp_path: Path
) -> None:
    files = SimpleIndex([release()])
    index = SimpleIndex([release()], user="__token__", password=CANARY)
    with simple_index.serve(files, certificate=authority.certificate("files")) as elsewhere:
        index.files_at = elsewhere.removesuffix("/simple/")
        with simple_index.serve(index, certificate=authority.certificate("server")) as url:
            access = {"ca": str(authority.ca), "token": {"file": "token"}}
            assert fetch("my-policy", tmp_path, index=url, access=access).files
    assert [headers.get("Authorization") for _, _, headers in files.requests] == [None]


def test_netrc_opens_an_index(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text(f"machine localhost login me password {CANARY}\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    index = SimpleIndex([release()], user="me", password=CANARY)
    with simple_index.serve(index, certificate=authority.certificate("server")) as url:
        assert fetch("my-policy", tmp_path, index=url, access={"ca": str(authority.ca)}).files


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ssh.SshServer]:
    with ssh.serve(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def by_ssh(sshd: ssh.SshServer, served: Path, tmp_path: Path) -> tuple[str, dict[str, object]]:
    """A requirement, and the access that opens it."""
    key = ssh.make_key(tmp_path / "keys" / "deploy key 100%")
    sshd.allow(Path(f"{key}.pub"))
    url = f"git+{sshd.address}{served}/policy"
    return url, {"sshKey": str(key), "knownHosts": str(sshd.known_hosts())}


def test_a_deploy_key_opens_a_repository(by_ssh: tuple[str, dict[str, object]], tmp_path: Path) -> None:
    url, access = by_ssh
    assert fetch(url, tmp_path, access=access).files


def test_the_host_key_may_be_in_the_configuration(
    by_ssh: tuple[str, dict[str, object]], sshd: ssh.SshServer, tmp_path: Path
) -> None:
    url, access = by_ssh
    access = {"sshKey": access["sshKey"], "hostKey": sshd.host_key}
    assert fetch(url, tmp_path, access=access).files


@pytest.mark.slow
def test_a_passphrase_from_a_file_opens_the_key_and_shows_nowhere(
    by_ssh: tuple[str, dict[str, object]],
    sshd: ssh.SshServer,
    token: Path,
    argv: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    url, access = by_ssh
    key = ssh.make_key(tmp_path / "keys" / "locked", CANARY)
    sshd.allow(Path(f"{key}.pub"))
    assert fetch(url, tmp_path, access={**access, "sshKey": str(key), "sshPassphrase": {"file": "token"}}).files
    assert_the_canary_is_nowhere(tmp_path, argv, capfd)
    token.write_text("wrong")
    with pytest.raises(PassphraseRefused, match="does not open"):
        fetch(f"{url}@another", tmp_path, access={**access, "sshKey": str(key), "sshPassphrase": {"file": "token"}})


def test_a_key_that_the_server_does_not_know_is_named(by_ssh: tuple[str, dict[str, object]], tmp_path: Path) -> None:
    url, access = by_ssh
    with pytest.raises(KeyRejected, match="deploy key"):
        fetch(url, tmp_path, access={**access, "sshKey": str(ssh.make_key(tmp_path / "keys" / "stranger"))})


def test_a_key_that_others_can_read_is_named_before_ssh_ignores_it(
    by_ssh: tuple[str, dict[str, object]], tmp_path: Path
) -> None:
    url, access = by_ssh
    key = Path(str(access["sshKey"]))
    key.chmod(stat.S_IRUSR | stat.S_IROTH)
    with pytest.raises(KeyFileUnusable, match="read by others"):
        fetch(url, tmp_path, access=access)
    key.unlink()
    with pytest.raises(KeyFileUnusable, match="cannot be read"):
        fetch(url, tmp_path, access=access)


def test_a_host_key_that_was_rotated_is_told_apart_from_an_unknown_one(
    by_ssh: tuple[str, dict[str, object]], sshd: ssh.SshServer, served: Path, tmp_path: Path
) -> None:
    url, access = by_ssh
    other = Path(f"{ssh.make_key(tmp_path / 'keys' / 'other host')}.pub").read_text()
    known = tmp_path / "known"
    known.write_text(f"[localhost]:{sshd.port} {other}")
    with pytest.raises(HostKeyChanged, match="fingerprint"):
        fetch(url, tmp_path, access={**access, "knownHosts": str(known)})
    known.write_text(f"elsewhere.example {other}")
    with pytest.raises(HostKeyUnknown):
        fetch(url, tmp_path, access={**access, "knownHosts": str(known)})


def test_without_known_hosts_nobody_is_trusted(
    by_ssh: tuple[str, dict[str, object]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, access = by_ssh
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with pytest.raises(KnownHostsMissing, match="ssh-keyscan"):
        fetch(url, tmp_path, access={"sshKey": access["sshKey"]})


_HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
_ECDSA_KEY = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAAABBA=="


@pytest.mark.parametrize(
    "written",
    [
        _HOST_KEY,
        f"{_HOST_KEY} root@host",
        f"host {_HOST_KEY}",
        f"[host]:2222 {_HOST_KEY} a comment of words",
        f"# host:22 SSH-2.0-OpenSSH_9.2\nhost {_HOST_KEY}\n",
    ],
)
def test_a_host_key_is_taken_as_pub_files_and_ssh_keyscan_show_it(written: str) -> None:
    assert Access.model_validate({"hostKey": written}, by_alias=True).host_key == _HOST_KEY


def test_of_the_keys_that_ssh_keyscan_shows_none_is_lost() -> None:
    written = f"host {_ECDSA_KEY}\n# host:22 SSH-2.0\n\nhost {_HOST_KEY}\n"
    assert Access.model_validate({"hostKey": written}, by_alias=True).host_key == f"{_ECDSA_KEY}\n{_HOST_KEY}"


@pytest.mark.parametrize(
    "written", [_HOST_KEY[:-8], f"ssh-rsa {_HOST_KEY.split()[1]}", "ssh-ed25519 AAAA", "ssh-ed25519 AAA"]
)
def test_a_host_key_that_was_cut_off_or_is_of_another_type_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="not a whole key"):
        Access.model_validate({"hostKey": written}, by_alias=True)


@pytest.mark.parametrize(
    "written",
    ["SHA256:r/SBf+Bw", "256 SHA256:r/SBf+Bw root@host (ED25519)", "@cert-authority * ssh-ed25519 AAAA", "ssh-ed25519"],
)
def test_what_is_no_host_key_is_refused_with_its_form(written: str) -> None:
    with pytest.raises(ValueError, match="not its fingerprint"):
        Access.model_validate({"hostKey": written}, by_alias=True)


@pytest.mark.parametrize(
    ("access", "words"),
    [
        ({"token": {"env": "A"}, "bearer": {"env": "B"}}, "choose one"),
        ({"password": {"env": "A"}}, "without username"),
        ({"knownHosts": "a", "hostKey": _HOST_KEY}, "choose one"),
        ({"token": "glpat-written-down"}, "FromFile"),
    ],
)
def test_an_access_that_cannot_be_meant_is_refused(access: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Package.model_validate({"moduleName": "m", "requirement": "x", "access": access}, by_alias=True)
