"""How ssh is started: the name of a server in known_hosts, and keys that ssh would refuse without a reason."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

import pytest

from secretsync.config.access import Access, FromFile
from secretsync.sources.git import ssh
from secretsync.sources.git.ssh import KeyEncrypted, KeyMalformed, KnownHostsMissing, key_fault

_KEY = b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\n-----END OPENSSH PRIVATE KEY-----\n"
_HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
_ACCESS = Access.model_validate({"hostKey": _HOST_KEY}, by_alias=True)


@pytest.mark.parametrize(
    ("url", "name"),
    [("ssh://h/r", "h"), ("ssh://git@h:22/r", "h"), ("ssh://git@h:2222/r", "[h]:2222"), ("ssh://git@H/r", "h")],
)
def test_a_server_has_the_name_that_ssh_looks_for(url: str, name: str, tmp_path: Path) -> None:
    ssh.environment(_ACCESS, url, tmp_path, tmp_path)
    (known,) = tmp_path.glob("known-*")
    assert known.read_text() == f"{name} {_HOST_KEY}\n"


def test_each_of_several_host_keys_is_a_line(tmp_path: Path) -> None:
    access = Access.model_validate({"hostKey": f"{_HOST_KEY}\n{_HOST_KEY} again\n"}, by_alias=True)
    ssh.environment(access, "ssh://h/r", tmp_path, tmp_path)
    assert (tmp_path / "known-h-22").read_text() == f"h {_HOST_KEY}\n" * 2


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (_KEY, ""),
        (_KEY.rstrip(), "lacks the line break at its end"),
        (_KEY.replace(b"\n", b"\r\n"), "line ends of Windows"),
        (_KEY.replace(b"\n", b" "), "in one line"),
        (base64.b64encode(_KEY), "encoded twice"),
        (b"ssh-ed25519 AAAA me\n", "public half"),
        (b"PuTTY-User-Key-File-3: ssh-ed25519\n", "PuTTY"),
        (b"\n" + _KEY, "before '-----BEGIN'"),
        (_KEY[:50], "cut off"),
        (b"", "no private key"),
        (b"\xff\x00" * 40, "no private key"),
        (_KEY.replace(b"OPENSSH PRIVATE KEY", b"CERTIFICATE"), "holds a CERTIFICATE"),
        (_KEY.replace(b"OPENSSH PRIVATE KEY", b"RSA PUBLIC KEY"), "public half"),
    ],
)
def test_a_key_that_ssh_cannot_load_is_named_by_its_fault(content: bytes, fault: str) -> None:
    assert fault in key_fault(content)
    assert bool(key_fault(content)) == bool(fault)


def test_a_key_that_ssh_cannot_load_is_refused_before_ssh_is_started(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(_KEY[:50])
    (tmp_path / "key").chmod(0o400)
    with pytest.raises(KeyMalformed, match="cut off"):
        ssh.environment(_ACCESS.model_copy(update={"ssh_key": Path("key")}), "ssh://h/r", tmp_path, tmp_path)


@pytest.mark.parametrize("form", [(), ("-m", "PEM"), ("-m", "PKCS8")])
def test_a_key_that_wants_a_passphrase_is_named_before_ssh_is_started(form: tuple[str, ...], tmp_path: Path) -> None:
    for name, passphrase in (("plain", ""), ("locked", "open sesame")):
        command = ["ssh-keygen", "-q", "-t", "ecdsa", *form, "-N", passphrase, "-f", str(tmp_path / name)]
        subprocess.run(command, check=True, capture_output=True)
    ssh.environment(_ACCESS.model_copy(update={"ssh_key": Path("plain")}), "ssh://h/r", tmp_path, tmp_path)
    locked = _ACCESS.model_copy(update={"ssh_key": Path("locked")})
    with pytest.raises(KeyEncrypted, match="sshPassphrase"):
        ssh.environment(locked, "ssh://h/r", tmp_path, tmp_path)
    for passphrase, opened in (("open sesame", True), ("another one", False)):
        (tmp_path / "passphrase").write_text(passphrase)
        access = locked.model_copy(update={"ssh_passphrase": FromFile(file=Path("passphrase"))})
        environment = ssh.environment(access, "ssh://h/r", tmp_path, tmp_path)
        assert ssh.opens(environment, tmp_path / "locked") is opened


def test_who_has_neither_a_home_nor_an_account_is_asked_for_known_hosts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(KnownHostsMissing, match="ssh-keyscan -p 2222 h"):
        ssh.environment(Access(), "ssh://h:2222/r", tmp_path, tmp_path)


def test_who_has_no_account_gets_one_by_nss_wrapper_where_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4711_0815)
    monkeypatch.setattr(ssh, "_NSS_WRAPPER", (f"{tmp_path}/lib*/libnss_wrapper.so",))
    assert "LD_PRELOAD" not in ssh.environment(_ACCESS, "ssh://h/r", tmp_path, tmp_path)
    library = tmp_path / "lib64" / "libnss_wrapper.so"
    library.parent.mkdir()
    library.touch()
    environment = ssh.environment(_ACCESS, "ssh://h/r", tmp_path, tmp_path)
    assert environment["LD_PRELOAD"] == str(library)
    assert ":47110815:" in Path(environment["NSS_WRAPPER_PASSWD"]).read_text()
