"""The world in which sources are refused: real servers, a credential of each kind, and where each might leak."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers import git_http, simple_index, ssh
from tests.servers.certificates import Authority
from tests.servers.git_http import Behaviour
from tests.servers.simple_index import Release, SimpleIndex
from tests.sources.layouts import POLICY, below, commit, git, write
from tests.sources.wheels import release, sdist, wheel

TOKEN, PASSPHRASE, PASSWORD = "canary-token-5f2c", "canary-phrase-91ab", "canary-pip-77de"
SHAPES = (
    *(TOKEN, PASSPHRASE, PASSWORD),
    *(
        base64.b64encode(f"{user}:{secret}".encode()).decode().rstrip("=")
        for user in ("x-access-token", "__token__", "me")
        for secret in (TOKEN, PASSWORD)
    ),
)
"""Each secret, as it is and as it travels."""

RECORDED = ("git", "ssh", "ssh-keygen", "gpg")

Package = dict[str, Any]


@dataclass
class World:
    """*folder* is where the configuration lies; the servers of *stack* end with the test."""

    folder: Path
    authority: Authority
    sshd: ssh.SshServer
    stack: ExitStack
    behaviour: Behaviour = field(default_factory=Behaviour)
    index: SimpleIndex = field(default_factory=lambda: SimpleIndex([release("1.0")]))

    def __post_init__(self) -> None:
        self.repository = self.folder / "served" / "policy"
        write(self.repository, below("my_policy", POLICY))
        commit(self.repository)
        (self.folder / "token").write_text(f"{TOKEN}\n")
        (self.folder / "phrase").write_text(f"{PASSPHRASE}\n")
        self.access = {"token": {"file": "token"}, "ca": str(self.authority.ca)}

    def record_children(self) -> dict[str, str]:
        """A PATH on which each command that secretsync starts first writes down its arguments."""
        folder = self.folder / "recorder"
        folder.mkdir()
        self.argv = self.folder / "argv"
        self.argv.touch()
        for name in RECORDED:
            text = f'#!/bin/sh\nprintf "%s\\n" "$0" "$@" >> {self.argv}\nPATH="${{PATH#*:}}"\nexec {name} "$@"\n'
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        return {"PATH": f"{folder}:{os.environ['PATH']}"}

    def git(self, ref: str = "", *, path: str = "policy", scheme: str = "https", **keys: Any) -> Package:
        """The package in the repository, over HTTP, with the token."""
        certificate = self.authority.certificate("git") if scheme == "https" else None
        served = git_http.serve(self.folder / "served", behaviour=self.behaviour, certificate=certificate)
        url = self.stack.enter_context(served)
        return {"requirement": f"git+{url}/{path}{ref}", "access": self.access, **keys}

    def local(self, ref: str = "", **keys: Any) -> Package:
        return {"requirement": f"git+file://{self.repository}{ref}", **keys}

    def over_ssh(self, **access: Any) -> Package:
        """The package in the repository, with a key that a passphrase opens."""
        key = ssh.make_key(self.folder / "keys" / "deploy", PASSPHRASE)
        self.sshd.allow(Path(f"{key}.pub"))
        known = str(self.sshd.known_hosts())
        opens = {"sshKey": "keys/deploy", "sshPassphrase": {"file": "phrase"}, "knownHosts": known}
        return {"requirement": f"git+{self.sshd.address}{self.repository}", "access": {**opens, **access}}

    def of_index(self, requirement: str = "my-policy", *, scheme: str = "https", **keys: Any) -> Package:
        """The package on the index, with the token."""
        certificate = self.authority.certificate("index") if scheme == "https" else None
        url = self.stack.enter_context(simple_index.serve(self.index, certificate=certificate))
        return {"requirement": requirement, "index": url, "access": self.access, **keys}

    def holding(self, data: bytes, file: str = "my_policy-1.0-py3-none-any.whl", **keys: Any) -> Package:
        self.index.releases = [Release("my-policy", file, data)]
        return self.of_index(**keys)

    def behaving(self, **manners: Any) -> World:
        for name, value in manners.items():
            for server in (self.behaviour, self.index):
                if hasattr(server, name):
                    setattr(server, name, value)
        return self

    def releasing(self, **facts: Any) -> World:
        self.index.releases = [release("1.0", **facts)]
        return self

    def committing(self, files: dict[str, str]) -> World:
        write(self.repository, files)
        commit(self.repository)
        return self

    def linking(self, path: str, target: str) -> World:
        (self.repository / path).symlink_to(target)
        commit(self.repository)
        return self

    def in_git(self, *arguments: str) -> World:
        git(self.repository, *arguments)
        return self


@dataclass(frozen=True)
class Row:
    """A refusal: what is the case, what is then said, and the exit code."""

    name: str
    package: Callable[[World], Package]
    sentence: str
    code: int = 1


def _another_key(world: World) -> str:
    return str(ssh.make_key(world.folder / "keys" / "stranger"))


def _known_hosts(world: World, host: str) -> str:
    other = Path(f"{ssh.make_key(world.folder / 'keys' / 'other')}.pub").read_text()
    (world.folder / "known").write_text(f"{host} {other}")
    return "known"


def _open_to_all(world: World) -> str:
    key = ssh.make_key(world.folder / "keys" / "open")
    key.chmod(0o644)
    return str(key)


def _requiring(requirement: str) -> Callable[[World], Package]:
    return lambda world: {"requirement": requirement}


def _signers(world: World) -> dict[str, Any]:
    """Only the signatures of a key that has signed nothing count."""
    public = Path(f"{ssh.make_key(world.folder / 'keys' / 'signer')}.pub").read_text()
    (world.folder / "signers").write_text(f"me@example.org {public}")
    return {"mode": "commit", "allowedSigners": "signers"}


def _signed_by_a_stranger(world: World) -> World:
    key = ssh.make_key(world.folder / "keys" / "stranger")
    signing = ("-c", "gpg.format=ssh", "-c", f"user.signingkey={key}", "-c", "user.name=x", "-c", "user.email=x@y.z")
    return world.in_git(*signing, "commit", "--quiet", "--allow-empty", "--gpg-sign", "--message=x")


def _unbuildable(world: World) -> World:
    return world.committing({"pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'nowhere'\n"})


_INIT = {"my_policy/__init__.py": b""}
_LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
_NOBODY = {"somebody": "else"}
_FAST = {"timeout": 1}

ROWS = (
    Row(
        "git: a wrong token",
        lambda w: w.behaving(users=_NOBODY).git(),
        "sent the token of file token; authentication failed: check",
    ),
    Row(
        "git: no token",
        lambda w: w.behaving(users=_NOBODY).git(access={"ca": str(w.authority.ca)}),
        "no credential was sent",
    ),
    Row(
        "git: a wrong bearer",
        lambda w: w.behaving(bearer="x").git(access={"bearer": {"file": "token"}, "ca": str(w.authority.ca)}),
        "check 'access' of the package",
    ),
    Row("git: plain http", lambda w: w.git(scheme="http"), "say 'allowPlainHttp: true'"),
    Row(
        "git: no such file",
        lambda w: w.git(access={"token": {"file": "gone"}}),
        "gone cannot be read: No such file or directory: make it, or correct 'access.token'",
    ),
    Row("git: no such variable", lambda w: w.git(access={"token": {"env": "NOT_SET"}}), "variable NOT_SET is empty or"),
    Row("git: a private authority", lambda w: w.git(access={"token": {"file": "token"}}), "under 'access.ca'"),
    Row("git: moved", lambda w: w.behaving(redirect="https://localhost:1").git(), "followed only without credentials"),
    Row("git: not there", lambda w: w.git(path="nothing"), "servers answer like this too when the credentials"),
    Row("git: nobody listens", _requiring("git+https://localhost:1/policy"), "check the host's name, the network"),
    Row("git: an unknown branch", lambda w: w.git("@nowhere"), "has no branch or tag 'nowhere'"),
    Row("git: a short commit", lambda w: w.git("@0123abc"), "a commit needs its full id of 40 digits"),
    Row("git: an unknown commit", lambda w: w.git(f"@{'1' * 40}"), "check that the commit was pushed"),
    Row(
        "git: a branch and a tag",
        lambda w: (
            w.in_git("tag", "both")
            .in_git("branch", "both")
            .committing({"x": ""})
            .in_git("tag", "-f", "both")
            .git("@both")
        ),
        "has a branch and a tag 'both', of different commits",
    ),
    Row("git: no tag in the range", lambda w: w.git(tag="~=9.0"), "has no tag that is ~=9.0"),
    Row("git: slow", lambda w: w.behaving(delay=9).git(**_FAST), "did not end within 1 s and was ended"),
    Row("git: cut short", lambda w: w.behaving(truncate_after=30).git(), "cut the answer short"),
    Row(
        "git: garbage",
        lambda w: w.behaving(garbage=b"<html>login</html>").git(),
        "what answers is a web page (a sign-in page?), not a git server",
    ),
    Row(
        "git: no default branch",
        lambda w: w.in_git("symbolic-ref", "HEAD", "refs/heads/gone").git(),
        "its HEAD names no branch that exists; there are main: write @main",
    ),
    Row("git: too many requests", lambda w: w.behaving(status=429).git(), "raise 'interval'"),
    Row("git: locked", lambda w: w.behaving(status=423).git(), "the server refuses this request"),
    Row("git: gone", lambda w: w.behaving(status=410).git(), "check the URL"),
    Row("git: a proxy's password", lambda w: w.behaving(status=407).git(), "put them into HTTPS_PROXY"),
    Row("git: too many files", lambda w: w.git(limits={"files": 1}), "more than the 1 it may have"),
    Row("git: too many bytes", lambda w: w.git(limits={"bytes": 10}), "raise 'limits.bytes'"),
    Row("git: too much to fetch", lambda w: w.git(limits={"download": 10}), "raise 'limits.download'"),
    Row(
        "git: another version",
        lambda w: w.in_git("tag", "v1.0").git("@v1.0", version="2.0"),
        "version 2.0 was expected",
    ),
    Row("git: no such module", lambda w: w.git(moduleName="elsewhere"), "elsewhere"),
    Row("git: a link out", lambda w: w.linking("my_policy/l.py", "/etc/passwd").git(), "/etc/passwd"),
    Row("git: twins", lambda w: w.committing({"my_policy/SCHEMA.py": ""}).git(), "only in case"),
    Row("git: an LFS pointer", lambda w: w.committing({"my_policy/x.bin": _LFS}).git(), "is a Git LFS pointer"),
    Row("git: not signed", lambda w: w.local(verify=_signers(w)), "not signed"),
    Row(
        "git: signed by a stranger",
        lambda w: _signed_by_a_stranger(w).local(verify=_signers(w)),
        "is signed by a key that is not among",
    ),
    Row("git: no build", lambda w: _unbuildable(w).local(build="wheel"), "my_policy cannot be built"),
    Row("ssh: another key", lambda w: w.over_ssh(sshKey=_another_key(w)), "a deploy key of the repository"),
    Row(
        "ssh: a wrong passphrase",
        lambda w: w.over_ssh(sshPassphrase={"file": "token"}),
        "correct 'access.sshPassphrase'",
    ),
    Row("ssh: a key for all", lambda w: w.over_ssh(sshKey=_open_to_all(w)), "read by others"),
    Row(
        "ssh: another host key",
        lambda w: w.over_ssh(knownHosts=_known_hosts(w, f"[localhost]:{w.sshd.port}")),
        "this may be an attack",
    ),
    Row("ssh: an unknown host", lambda w: w.over_ssh(knownHosts=_known_hosts(w, "elsewhere")), "ssh-keyscan shows it"),
    Row("a token in the URL", _requiring(f"git+https://{TOKEN}@host/policy"), "a URL must not hold credentials", 2),
    Row("a password in the URL", _requiring(f"git+https://me:{TOKEN}@host/p"), "a URL must not hold credentials", 2),
    Row("an option", _requiring("--upload-pack=touch"), "begins with '-'", 2),
    Row("a host like an option", _requiring("git+ssh://-oProxyCommand=x/p"), "neither host nor path may begin", 2),
    Row("a command", _requiring("git+ext::sh -c x"), "'ext::' runs a command", 2),
    Row("a line break", _requiring("git+https://h/p\n--upload-pack=x"), "a line break or another control character", 2),
    Row("a ref like an option", _requiring("git+https://h/p@--upload-pack"), "cannot be the name of a branch", 2),
    Row(
        "an index's URL", lambda w: {"requirement": "p", "index": f"https://me:{PASSWORD}@h/"}, "must not hold cred", 2
    ),
    Row(
        "index: a wrong token",
        lambda w: w.behaving(user="u", password="x").of_index(),
        "it answered 401; sent the token of file token; check 'access'",
    ),
    Row("index: plain http", lambda w: w.of_index(scheme="http"), "say 'allowPlainHttp: true'"),
    Row("index: a private authority", lambda w: w.of_index(access={"token": {"file": "token"}}), "is not trusted"),
    Row("index: no such name", lambda w: w.of_index("elsewhere"), "has no distribution 'elsewhere'"),
    Row("index: away", lambda w: w.behaving(fail_with=503).of_index(), "it answered 503"),
    Row("index: no end", lambda w: w.behaving(redirects_for_ever=True).of_index(), "it redirects for ever"),
    Row("index: slow", lambda w: w.behaving(delay=9.0).of_index(**_FAST), "it did not answer in time"),
    Row("index: no index", lambda w: w.behaving(kind="application/pdf").of_index(), "is not the simple API"),
    Row("index: yanked", lambda w: w.releasing(yanked="bad").of_index(), "was yanked (bad); only '==' takes"),
    Row("index: a newer Python", lambda w: w.releasing(requires_python=">=3.12").of_index(), "wants Python >=3.12"),
    Row("index: a machine's wheel", lambda w: w.releasing(tag="cp39-cp39-linux_x86_64").of_index(), "py3-none-any"),
    Row("index: another hash", lambda w: w.releasing(sha256="0" * 64).of_index(), "it was damaged or replaced"),
    Row("index: a hash of ours", lambda w: w.of_index(hashes=[f"sha256:{'1' * 64}"]), "none of those"),
    Row("index: no hash", lambda w: w.of_index(hashesFrom="token"), "names no sha256 for my-policy"),
    Row("index: another version", lambda w: w.of_index(version="2.0"), "version 2.0 was expected"),
    Row("index: a damaged wheel", lambda w: w.holding(b"no zip"), "it is damaged"),
    Row("index: a way out", lambda w: w.holding(wheel({**_INIT, "../x": b""})), "leads out of it"),
    Row(
        "index: a bomb",
        lambda w: w.holding(wheel({**_INIT, "my_policy/b": bytes(9_000_000)}), limits={"bytes": 1_000_000}),
        "unpacked it has",
    ),
    Row("index: a large file", lambda w: w.of_index(limits={"download": 10}), "has more than 10 bytes"),
    Row(
        "index: a device in an archive",
        lambda w: w.holding(sdist(dict(_INIT), "my_policy-1.0", device="my_policy/d"), "my_policy-1.0.tar.gz"),
        "neither a file nor a symlink",
    ),
    Row("a directory: not there", _requiring("./nowhere"), "nowhere: make it, or correct 'requirement'"),
)

OPEN = (
    Row("git: a token", lambda w: w.behaving(users={"x-access-token": TOKEN}).git(), "", 0),
    Row(
        "git: user and password",
        lambda w: w.behaving(users={"me": TOKEN}).git(
            access={"username": "me", "password": {"env": "SITE_TOKEN"}, "ca": str(w.authority.ca)}
        ),
        "",
        0,
    ),
    Row(
        "git: a bearer",
        lambda w: w.behaving(bearer=TOKEN).git(access={"bearer": {"file": "token"}, "ca": str(w.authority.ca)}),
        "",
        0,
    ),
    Row("ssh: a key with a passphrase", lambda w: w.over_ssh(), "", 0),
    Row("index: a token", lambda w: w.behaving(user="__token__", password=TOKEN).of_index(), "", 0),
)
"""Ways in that are open, so that each credential is really used."""
