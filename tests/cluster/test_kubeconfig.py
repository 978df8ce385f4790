"""A kubeconfig is obeyed or refused: nobody acts with more rights than it gives, or without credentials it names."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from secretsync.cluster import exec_plugin
from secretsync.cluster.connection import Connection, in_context
from secretsync.cluster.errors import Call, UnusableCluster
from secretsync.cluster.exec_plugin import ExecPluginFailed
from tests.servers import http
from tests.servers.certificates import Authority

_V1 = "client.authentication.k8s.io/v1"


def kubeconfig(folder: Path, user: dict[str, Any], server: str = "http://127.0.0.1:1") -> Path:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": user}],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(content))
    return path


class Api:
    """Keeps the header lines of the last request."""

    lines: tuple[tuple[str, str], ...] = ()

    def answer(self, request: http.Request) -> http.Answer:
        self.lines = request.lines
        return http.Answer(200, b'{"kind": "Secret", "metadata": {"name": "x"}}')


def ask(folder: Path, user: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """The headers of one request."""
    api = Api()
    with http.serving(api) as url:
        Connection(in_context("c", kubeconfig(folder, user, url))).send(Call("get", "secrets", "n", "x"), "GET", "/x")
    return api.lines


def plugin(folder: Path, script: str, **more: Any) -> dict[str, Any]:
    path = folder / "plugin"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"exec": {"apiVersion": _V1, "command": str(path), **more}}


def answer_of(**status: Any) -> str:
    return f"echo '{json.dumps({'apiVersion': _V1, 'kind': 'ExecCredential', 'status': status})}'"


def test_who_acts_as_another_says_so_with_each_request(tmp_path: Path) -> None:
    user = {
        "token": "t",
        "as": "system:serviceaccount:rucio:secretsync",
        "as-uid": "4711",
        "as-groups": ["a", "b"],
        "as-user-extra": {"Example.org/Scopes": ["x", "y"]},
    }
    headers = ask(tmp_path, user)
    assert [value for name, value in headers if name == "Impersonate-User"] == [user["as"]]
    assert [value for name, value in headers if name == "Impersonate-Uid"] == ["4711"]
    assert [value for name, value in headers if name == "Impersonate-Group"] == ["a", "b"]
    assert [value for name, value in headers if name == "Impersonate-Extra-example.org%2Fscopes"] == ["x", "y"]
    assert ("authorization", "Bearer t") in headers


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ({"token": "t", "as-groups": ["a"]}, "without 'as'"),
        ({"token": "t", "as": "a\nImpersonate-Group: system:masters"}, "no header can hold"),
        ({"token": "t", "as": "a", "as-groups": "b"}, "no list"),
        ({"auth-provider": {"name": "azure", "config": {}}}, "'auth-provider' gives no credentials"),
        ({"tokenFile": "gone"}, "No such file"),
        ({"tokenFile": "empty"}, "holds no token"),
        ({"tokenFile": "lines"}, "more than one line"),
    ],
)
def test_a_user_that_cannot_be_obeyed_is_refused(user: dict[str, Any], words: str, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "lines").write_text("a\nb\n")
    with pytest.raises(UnusableCluster, match=words):
        in_context("c", kubeconfig(tmp_path, user))


def test_a_tokens_file_may_end_with_a_line_break_and_wins_over_a_token(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-the-file\n")
    assert ("authorization", "Bearer from-the-file") in ask(tmp_path, {"tokenFile": "token", "token": "written"})


def test_a_plugins_token_is_sent(tmp_path: Path) -> None:
    assert ("authorization", "Bearer p") in ask(tmp_path, plugin(tmp_path, answer_of(token="p")))


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 3", "ended with exit code 3"),
        ("true", "answered no JSON"),
        ("echo hello", "answered no JSON"),
        ("echo '[]'", "answered no ExecCredential"),
        ('echo \'{"kind": "ExecCredential", "apiVersion": "v2"}\'', "another apiVersion"),
        (f'echo \'{{"kind": "ExecCredential", "apiVersion": "{_V1}"}}\'', "answered no status"),
        (answer_of(), "neither a token nor a certificate"),
        (answer_of(token=""), "neither a token nor a certificate"),
        (answer_of(clientCertificateData="x"), "neither a token nor a certificate"),
        (answer_of(token="a\nb").replace("\\n", "\\u000a"), "no header can hold"),
        ("sleep 9", "did not end within"),
    ],
)
def test_a_plugin_that_fails_ends_in_a_sentence_before_any_request(
    script: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exec_plugin, "_SECONDS", 1)
    with pytest.raises(ExecPluginFailed, match=words):
        in_context("c", kubeconfig(tmp_path, plugin(tmp_path, script)))


def test_a_child_that_a_plugin_leaves_behind_is_ended_and_not_waited_for(tmp_path: Path) -> None:
    """It holds the plugin's output open."""
    script = f"sleep 1000 & echo $! >{tmp_path / 'pid'}; {answer_of(token='p')}"
    assert ("authorization", "Bearer p") in ask(tmp_path, plugin(tmp_path, script))
    status = Path("/proc", (tmp_path / "pid").read_text().strip(), "status")
    deadline = time.monotonic() + 60
    while status.exists() and "State:\tZ" not in status.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_flood_of_a_plugin_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = bytearray()
    monkeypatch.setattr(exec_plugin, "bytearray", lambda: kept, raising=False)
    with pytest.raises(ExecPluginFailed, match="answered no JSON"):
        in_context("c", kubeconfig(tmp_path, plugin(tmp_path, "head -c 20000000 /dev/zero")))
    assert len(kept) == exec_plugin._LARGEST


def test_a_plugin_that_is_missing_or_wants_a_terminal_is_refused(tmp_path: Path) -> None:
    missing = {"exec": {"apiVersion": _V1, "command": "no-such-plugin", "installHint": "install it\nfrom there"}}
    with pytest.raises(ExecPluginFailed, match=r"is not installed.*install it from there"):
        in_context("c", kubeconfig(tmp_path, missing))
    with pytest.raises(ExecPluginFailed, match="wants a terminal"):
        in_context("c", kubeconfig(tmp_path, plugin(tmp_path, "true", interactiveMode="Always")))


@pytest.mark.parametrize("text", ["[]", "{}", "a: [", "users: 1", "{users: [1], contexts: [], clusters: []}", ""])
def test_a_file_that_is_no_kubeconfig_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text(text)
    with pytest.raises(UnusableCluster):
        in_context("c", tmp_path / "kubeconfig")


@pytest.mark.parametrize(
    "user",
    [
        {"token": "a\nb"},
        {"token": ["a"]},
        {"token": {"a": "b"}},
        {"token": "t", "as": ["admin"]},
        {"token": "t", "as": "a", "as-groups": [{"g": 1}]},
        {"token": "t", "as": "a", "as-user-extra": {"k": [["v"]]}},
    ],
    ids=str,
)
def test_what_no_header_can_hold_is_refused_before_any_request(tmp_path: Path, user: dict[str, Any]) -> None:
    with pytest.raises(UnusableCluster, match=r"no header can hold|that a header can hold"):
        ask(tmp_path, user)


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ("", "'server' is no URL that begins with https"),
        ("localhost:6443", "'server' is no URL that begins with https"),
        ("ftp://api.example.org", "'server' is no URL that begins with https"),
        ("https://", "'server' is no URL that begins with https"),
        ("https://person:hunter2@api.example.org", "'server' holds a user or a password"),
    ],
)
def test_a_server_that_no_request_can_be_made_to_is_a_fault_of_the_kubeconfig(
    tmp_path: Path, server: str, words: str
) -> None:
    with pytest.raises(UnusableCluster, match=words) as raised:
        in_context("c", kubeconfig(tmp_path, {"token": "t"}, server))
    assert "hunter2" not in str(raised.value)


def test_a_proxy_of_another_kind_is_a_fault_of_the_kubeconfig(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, {"token": "t"})
    content = yaml.safe_load(path.read_text())
    content["clusters"][0]["cluster"]["proxy-url"] = "socks5://127.0.0.1:1"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(UnusableCluster, match="'proxy-url', or HTTPS_PROXY, does not begin"):
        in_context("c", path)


IRREGULAR = {"device": "/dev/zero", "pipe": "pipe", "folder": ".", "large": "large"}


@pytest.mark.parametrize("named", IRREGULAR)
@pytest.mark.parametrize("key", ["tokenFile", "client-certificate", "certificate-authority", "the kubeconfig"])
def test_a_file_that_is_named_is_a_regular_one_of_some_size(key: str, named: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(10**9)
    path = tmp_path / IRREGULAR[named]
    if key == "the kubeconfig":
        config = path
    elif key == "certificate-authority":
        config = changed(kubeconfig(tmp_path, {"token": "t"}), **{key: str(path)})
    else:
        config = kubeconfig(tmp_path, {key: str(path), **({"client-key": str(path)} if "client" in key else {})})
    with pytest.raises(
        UnusableCluster, match=r"cannot be read: (not a regular file|Is a directory|more than 8,388,608)"
    ):
        in_context("c", config)


def changed(path: Path, **cluster: Any) -> Path:
    """The kubeconfig at *path* with more fields of its cluster."""
    content = yaml.safe_load(path.read_text())
    content["clusters"][0]["cluster"] |= cluster
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.parametrize(
    ("cluster", "words"),
    [
        ({"insecure-skip-tls-verify": "false"}, "neither true nor false"),
        ({"insecure-skip-tls-verify": True, "certificate-authority-data": "YQ=="}, "which kubectl refuses too"),
        ({"tls-server-name": ["a"]}, "tls-server-name is no name"),
        ({"proxy-url": ["http://127.0.0.1"]}, "proxy-url is no URL"),
        ({"certificate-authority-data": "!"}, "certificate-authority-data is not base64"),
        ({"certificate-authority-data": "YQ=="}, "holds no certificate in PEM"),
    ],
)
def test_a_cluster_whose_tls_cannot_be_obeyed_is_refused(cluster: dict[str, Any], words: str, tmp_path: Path) -> None:
    path = changed(kubeconfig(tmp_path, {"token": "t"}, "https://127.0.0.1:1"), **cluster)
    with pytest.raises(UnusableCluster, match=words):
        in_context("c", path)


def test_a_client_certificate_that_opens_no_connection_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    certificate, own_key = authority.certificate("one")
    _, other_key = authority.certificate("another")
    encrypt = ["openssl", "pkcs8", "-topk8", "-in", str(own_key), "-passout", "pass:x"]
    encrypted = base64.b64encode(subprocess.run(encrypt, capture_output=True, check=True).stdout).decode()
    for user, words in [
        ({"client-key": str(other_key)}, "does not belong to the client-certificate"),
        ({"client-key-data": encrypted}, "client-key is encrypted"),
        ({"client-key": str(certificate)}, "not in PEM"),
        ({}, "a client-certificate without a client-key"),
    ]:
        path = kubeconfig(tmp_path, {"client-certificate": str(certificate), **user}, "https://127.0.0.1:1")
        with pytest.raises(UnusableCluster, match=words):
            in_context("c", path)


def test_files_of_a_user_lie_beside_the_kubeconfig_that_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    certificate, key = Authority(second).certificate("one")
    user = {"client-certificate": certificate.name, "client-key": key.name, "token": ""}
    files = kubeconfig(first, {}, "https://127.0.0.1:1"), kubeconfig(second, user)
    content = yaml.safe_load(files[0].read_text())
    files[0].write_text(yaml.safe_dump({**content, "users": [{"name": "nobody", "user": None}]}))
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, files)))
    configuration = in_context("c").configuration
    assert (configuration.cert_file, configuration.key_file) == (str(certificate), str(key))


def test_empty_fields_stand_in_the_way_of_nothing(tmp_path: Path) -> None:
    authority = Authority(tmp_path).ca
    path = kubeconfig(tmp_path, {"token": "t", "client-certificate-data": "", "exec": None}, "https://127.0.0.1:1")
    changed(path, **{"certificate-authority": authority.name, "certificate-authority-data": ""})
    assert in_context("c", path).configuration.ssl_ca_cert == str(authority)


@pytest.mark.parametrize(
    "entry", [{"name": "u", "token": "hunter-two"}, {"name": "u", "user": ["hunter-two"]}, {"user": "hunter-two"}]
)
def test_a_user_that_is_written_wrong_is_refused_without_what_it_holds(entry: dict[str, Any], tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, {})
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "users": [entry]}))
    with pytest.raises(UnusableCluster) as raised:
        in_context("c", path)
    assert "hunter" not in str(raised.value)


def test_a_context_whose_user_is_not_there_makes_no_anonymous_request(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, {"token": "t"})
    path.write_text(path.read_text().replace("user: u", "user: nobody"))
    with pytest.raises(UnusableCluster, match="its user is not among the users"):
        in_context("c", path)
