"""Signatures made with real keys: who may publish is decided by fingerprints, and every refusal has its name."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from secretsync.config import Package
from secretsync.core.model import Bundle
from secretsync.sources.git.refs import RolledBack
from secretsync.sources.git.signature import (
    CannotVerify,
    KeyRevoked,
    SignatureBad,
    SignatureExpired,
    SignatureMissing,
    SignatureRefused,
    SignatureWeak,
    SignedForAnother,
    SignerUnknown,
)
from secretsync.sources.open import open_source
from tests.servers.ssh import make_key
from tests.sources.layouts import POLICY, below, commit, git, write

pytestmark = pytest.mark.slow  # each case starts git, gpg and ssh-keygen

PAST = "20200101T000000!"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    write(tmp_path / "policy", below("my_policy", POLICY))
    commit(tmp_path / "policy")
    return tmp_path / "policy"


def fetch(repository: Path, verify: dict[str, object], ref: str = "", **keys: object) -> Bundle:
    folder = repository.parent
    raw = {"moduleName": "my_policy", "requirement": f"git+file://{repository}{ref}", "verify": verify, **keys}
    source = open_source(Package.model_validate(raw, by_alias=True), cache=folder / "cache", base=folder)
    return source.fetch(source.resolve())


class OpenPgp:
    """A signer's own keyring, and a gpg that git signs with."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(mode=0o700)

    def run(self, *arguments: str) -> str:
        command = ["gpg", "--homedir", str(self.home), "--batch", "--pinentry-mode", "loopback", "--passphrase", ""]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def key(self, name: str, algorithm: str = "ed25519", *options: str, expires: str = "never") -> str:
        self.run(*options, "--quick-generate-key", f"{name} <{name}@example.org>", algorithm, "sign", expires)
        listing = self.run("--with-colons", "--list-keys", f"{name}@example.org")
        return next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr"))

    def export(self, key: str, folder: Path) -> Path:
        path = folder / f"{key}.asc"
        path.write_text(self.run("--armor", "--export", key))
        return path

    def sign(self, repository: Path, key: str, *arguments: str, options: str = "") -> None:
        program = self.home / "program"
        gpg = f'gpg --homedir {self.home} --batch --pinentry-mode loopback --passphrase "" {options}'
        program.write_text(f'#!/bin/sh\nexec {gpg} "$@"\n')
        program.chmod(0o755)
        git(repository, "-c", f"gpg.program={program}", "-c", f"user.signingKey={key}!", *arguments)


@pytest.fixture(scope="module")
def pgp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenPgp]:
    if not shutil.which("gpg"):
        pytest.skip("gpg is not installed: apt-get install gnupg")
    ring = OpenPgp(tmp_path_factory.mktemp("g") / "h")
    yield ring
    subprocess.run(["gpgconf", "--homedir", str(ring.home), "--kill", "all"], check=False)


@pytest.fixture(scope="module")
def good(pgp: OpenPgp) -> str:
    return pgp.key("good")


SIGNED_COMMIT = ("commit", "--quiet", "--allow-empty", "--gpg-sign", "--message=signed\n\nbody")
SIGNED_TAG = ("tag", "--sign", "--message=release", "v1.0")


def test_a_commit_and_a_tag_by_a_configured_openpgp_key_are_taken(
    repository: Path, pgp: OpenPgp, good: str, tmp_path: Path
) -> None:
    keys = {"openpgpKeys": [str(pgp.export(good, tmp_path))]}
    pgp.sign(repository, good, *SIGNED_COMMIT)
    pgp.sign(repository, good, *SIGNED_TAG)
    assert fetch(repository, {"mode": "commit", **keys}).files
    assert fetch(repository, {"mode": "tag", **keys}, "@v1.0").files
    assert fetch(repository, {"mode": "tagAndCommit", **keys}, "@refs/tags/v1.0").files


def test_what_is_not_signed_is_refused(repository: Path, pgp: OpenPgp, good: str, tmp_path: Path) -> None:
    keys = {"openpgpKeys": [str(pgp.export(good, tmp_path))]}
    git(repository, "tag", "light")
    git(repository, "tag", "--annotate", "--message=x", "heavy")
    for verify, ref in (("commit", ""), ("tag", "@light"), ("tag", "@heavy"), ("tag", "@main"), ("tag", "")):
        with pytest.raises(SignatureMissing):
            fetch(repository, {"mode": verify, **keys}, ref)
    pgp.sign(repository, good, *SIGNED_TAG)
    with pytest.raises(SignatureMissing, match="commit"):
        fetch(repository, {"mode": "tagAndCommit", **keys}, "@v1.0")


def test_a_key_that_is_not_configured_is_unknown(repository: Path, pgp: OpenPgp, good: str, tmp_path: Path) -> None:
    stranger = pgp.key("stranger")
    pgp.sign(repository, stranger, *SIGNED_COMMIT)
    with pytest.raises(SignerUnknown, match="not among"):
        fetch(repository, {"mode": "commit", "openpgpKeys": [str(pgp.export(good, tmp_path))]})


def test_a_key_that_expired_is_named(repository: Path, pgp: OpenPgp, tmp_path: Path) -> None:
    key = pgp.key("expired", "ed25519", "--faked-system-time", PAST, expires="2d")
    pgp.sign(repository, key, *SIGNED_COMMIT, options=f"--faked-system-time {PAST}")
    with pytest.raises(SignatureExpired):
        fetch(repository, {"mode": "commit", "openpgpKeys": [str(pgp.export(key, tmp_path))]})


def test_a_key_that_was_revoked_is_named(repository: Path, pgp: OpenPgp, tmp_path: Path) -> None:
    key = pgp.key("revoked")
    pgp.sign(repository, key, *SIGNED_COMMIT)
    certificate = tmp_path / "revocation"
    stored = (pgp.home / "openpgp-revocs.d" / f"{key}.rev").read_text()
    certificate.write_text(stored.replace(":-----BEGIN", "-----BEGIN"))
    pgp.run("--import", str(certificate))
    with pytest.raises(KeyRevoked):
        fetch(repository, {"mode": "commit", "openpgpKeys": [str(pgp.export(key, tmp_path))]})


def test_a_signature_over_a_weak_hash_is_named(repository: Path, pgp: OpenPgp, tmp_path: Path) -> None:
    key = pgp.key("weak", "rsa2048")
    pgp.sign(repository, key, *SIGNED_COMMIT, options="--digest-algo SHA1")
    with pytest.raises(SignatureWeak, match="SHA-1"):
        fetch(repository, {"mode": "commit", "openpgpKeys": [str(pgp.export(key, tmp_path))]})


def test_a_commit_that_was_changed_after_it_was_signed_is_named(
    repository: Path, pgp: OpenPgp, good: str, tmp_path: Path
) -> None:
    pgp.sign(repository, good, *SIGNED_COMMIT)
    raw = git(repository, "cat-file", "commit", "HEAD").replace("body", "evil") + "\n"
    forged = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin"],
        cwd=repository,
        input=raw,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    git(repository, "update-ref", "refs/heads/main", forged)
    with pytest.raises(SignatureBad, match="changed after"):
        fetch(repository, {"mode": "commit", "openpgpKeys": [str(pgp.export(good, tmp_path))]})


def test_the_word_good_in_a_signature_counts_for_nothing(
    repository: Path, tmp_path: Path, pgp: OpenPgp, good: str
) -> None:
    fake = "-----BEGIN PGP SIGNATURE-----\n\nGood signature\n[GNUPG:] GOODSIG\n-----END PGP SIGNATURE-----\n"
    git(repository, "tag", "--annotate", "--cleanup=verbatim", f"--message=x\n{fake}", "v1.0")
    with pytest.raises(SignatureRefused):
        fetch(repository, {"mode": "tag", "openpgpKeys": [str(pgp.export(good, tmp_path))]}, "@v1.0")


def test_a_signed_tag_shown_under_another_name_is_refused(
    repository: Path, pgp: OpenPgp, good: str, tmp_path: Path
) -> None:
    pgp.sign(repository, good, *SIGNED_TAG)
    git(repository, "update-ref", "refs/tags/v2.0", git(repository, "rev-parse", "v1.0"))
    with pytest.raises(SignedForAnother, match="another name"):
        fetch(repository, {"mode": "tag", "openpgpKeys": [str(pgp.export(good, tmp_path))]}, "@v2.0")


def test_a_file_that_is_no_key_is_named(repository: Path, pgp: OpenPgp, good: str, tmp_path: Path) -> None:
    pgp.sign(repository, good, *SIGNED_COMMIT)
    (tmp_path / "empty.asc").touch()
    with pytest.raises(CannotVerify, match=r"empty\.asc"):
        fetch(repository, {"mode": "commit", "openpgpKeys": ["empty.asc"]})


def sign_by_ssh(repository: Path, key: Path, *arguments: str, **environment: str) -> None:
    git(repository, "-c", "gpg.format=ssh", "-c", f"user.signingKey={key}", *arguments, **environment)


def signers(path: Path, key: Path, options: str = "") -> Path:
    public = Path(f"{key}.pub").read_text()
    path.write_text(f"a@example.org {options} {public}" if options else f"a@example.org {public}")
    return path


@pytest.fixture
def ssh_key(tmp_path: Path) -> Path:
    if not shutil.which("ssh-keygen"):
        pytest.skip("ssh-keygen is not installed: apt-get install openssh-client")
    return make_key(tmp_path / "signing key")


def test_a_commit_and_a_tag_by_an_allowed_signer_are_taken(repository: Path, ssh_key: Path, tmp_path: Path) -> None:
    sign_by_ssh(repository, ssh_key, *SIGNED_COMMIT)
    sign_by_ssh(repository, ssh_key, *SIGNED_TAG)
    allowed = {"allowedSigners": str(signers(tmp_path / "allowed", ssh_key))}
    assert fetch(repository, {"mode": "tagAndCommit", **allowed}, "@v1.0").files


@pytest.mark.parametrize("policy", ["refuse", "warn", "allow"])
def test_a_branch_that_goes_back_to_an_older_signed_commit_is_a_rollback(
    policy: str, repository: Path, ssh_key: Path, tmp_path: Path
) -> None:
    verify: dict[str, object] = {
        "mode": "commit",
        "allowedSigners": str(signers(tmp_path / "allowed", ssh_key)),
    }
    for day in (1, 2):
        sign_by_ssh(repository, ssh_key, *SIGNED_COMMIT, GIT_COMMITTER_DATE=f"2026-01-0{day}T00:00:00Z")
        assert fetch(repository, verify, rollback=policy).notes == ()
    git(repository, "reset", "--quiet", "--hard", "HEAD~1")
    if policy == "refuse":
        with pytest.raises(RolledBack, match="is older than commit"):
            fetch(repository, verify, rollback=policy)
    else:
        assert len(fetch(repository, verify, rollback=policy).notes) == (policy == "warn")


def test_a_signer_that_is_not_allowed_is_unknown(repository: Path, ssh_key: Path, tmp_path: Path) -> None:
    sign_by_ssh(repository, make_key(tmp_path / "stranger"), *SIGNED_COMMIT)
    with pytest.raises(SignerUnknown):
        fetch(repository, {"mode": "commit", "allowedSigners": str(signers(tmp_path / "allowed", ssh_key))})


def test_a_signer_whose_time_is_over_is_named(repository: Path, ssh_key: Path, tmp_path: Path) -> None:
    sign_by_ssh(repository, ssh_key, *SIGNED_COMMIT)
    allowed = signers(tmp_path / "allowed", ssh_key, 'valid-before="20200101"')
    with pytest.raises(SignatureExpired):
        fetch(repository, {"mode": "commit", "allowedSigners": str(allowed)})


@pytest.mark.parametrize("form", ["krl", "public keys"])
def test_a_signer_that_was_revoked_is_named(form: str, repository: Path, ssh_key: Path, tmp_path: Path) -> None:
    sign_by_ssh(repository, ssh_key, *SIGNED_COMMIT)
    revoked = tmp_path / "revoked"
    if form == "krl":
        subprocess.run(["ssh-keygen", "-q", "-k", "-f", str(revoked), f"{ssh_key}.pub"], check=True)
    else:
        shutil.copy(f"{ssh_key}.pub", revoked)
    allowed = signers(tmp_path / "allowed", ssh_key)
    with pytest.raises(KeyRevoked):
        fetch(repository, {"mode": "commit", "allowedSigners": str(allowed), "revokedKeys": str(revoked)})


def test_a_signature_of_the_other_kind_does_not_count(
    repository: Path, ssh_key: Path, pgp: OpenPgp, good: str, tmp_path: Path
) -> None:
    sign_by_ssh(repository, ssh_key, *SIGNED_COMMIT)
    with pytest.raises(SignerUnknown, match="no key of this kind"):
        fetch(repository, {"mode": "commit", "openpgpKeys": [str(pgp.export(good, tmp_path))]})


def test_verifying_without_the_tool_is_an_error_and_never_a_pass(
    repository: Path, ssh_key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_by_ssh(repository, ssh_key, *SIGNED_COMMIT)
    only_git = tmp_path / "bin"
    only_git.mkdir()
    for name in ("git", "sh"):
        (only_git / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", os.fspath(only_git))
    with pytest.raises(CannotVerify, match="ssh-keygen"):
        fetch(repository, {"mode": "commit", "allowedSigners": str(signers(tmp_path / "allowed", ssh_key))})
