"""A SealedSecret: what the controller unseals, what stays readable, and certificates that cannot be used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secretsync.cluster.encryption.encryption import KeepingProposed, read_secret
from secretsync.cluster.encryption.errors import CertificateUnusable
from secretsync.cluster.encryption.sealed_secrets import SealedSecrets
from secretsync.core import packing
from secretsync.core.model import Secret
from tests.cluster.encryption.controller import Controller, certificate

SECRET = Secret(
    "rucio",
    "site-policy-0123456789ab",
    {"__init__.py": b"", "permission.py": b"def has_permission(): ...\n"},
    labels={packing.MODULE: "site_policy"},
    annotations={packing.DIGEST: "d" * 64, packing.ENCRYPTION: "sealedSecrets", packing.DIRECTORY: "."},
    immutable=True,
)
FILE = Path("/site/secret.yaml")


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Controller:
    return Controller.make(tmp_path_factory.mktemp("controller") / "cert.pem")


@given(data=st.dictionaries(st.from_regex(r"\A[-._a-zA-Z0-9]{1,20}\Z"), st.binary(max_size=3000), max_size=4))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_controller_unseals_what_was_sealed(controller: Controller, data: dict[str, bytes]) -> None:
    secret = Secret("rucio", "site-policy", data)
    manifest = yaml.safe_load(SealedSecrets(controller.path).encrypt(secret, FILE, None))
    assert controller.unseal(manifest) == data


def test_a_sealed_value_belongs_to_its_namespace_and_name(controller: Controller) -> None:
    manifest = yaml.safe_load(SealedSecrets(controller.path).encrypt(SECRET, FILE, None))
    manifest["metadata"]["namespace"] = "elsewhere"
    with pytest.raises((ValueError, InvalidTag)):
        controller.unseal(manifest)


def test_all_but_the_content_can_be_read_back(controller: Controller) -> None:
    text = SealedSecrets(controller.path).encrypt(SECRET, FILE, None)
    found = read_secret(yaml.safe_load(text))
    assert found.encrypted
    assert set(found.data.values()) == {b""}
    assert packing.has_same_files(found, SECRET)
    assert (found.labels, found.annotations, found.immutable) == (SECRET.labels, SECRET.annotations, True)
    assert "has_permission" not in text


def test_the_annotations_of_others_stay_and_a_wider_scope_does_not(controller: Controller) -> None:
    sealed = SealedSecrets(controller.path)
    first = yaml.safe_load(sealed.encrypt(SECRET, FILE, None))
    first["metadata"]["annotations"] = {
        "argocd.argoproj.io/sync-wave": "-1",
        "sealedsecrets.bitnami.com/cluster-wide": "true",
    }
    second = yaml.safe_load(sealed.encrypt(SECRET, FILE, first))
    assert second["metadata"]["annotations"] == {"argocd.argoproj.io/sync-wave": "-1"}
    assert controller.unseal(second) == SECRET.data


def test_what_is_proposed_already_is_not_encrypted_again(controller: Controller) -> None:
    sealed = SealedSecrets(controller.path)
    text = sealed.encrypt(SECRET, FILE, None)
    assert KeepingProposed(sealed, lambda _: text).encrypt(SECRET, FILE, None) == text


@pytest.mark.parametrize(
    "proposed",
    [None, "", "- 5", "kind: SealedSecret", "kind: [", "kind: Secret\nmetadata: {name: site-policy-0123456789ab}"],
)
def test_what_is_proposed_otherwise_is_encrypted(controller: Controller, proposed: str | None) -> None:
    text = KeepingProposed(SealedSecrets(controller.path), lambda _: proposed).encrypt(SECRET, FILE, None)
    assert controller.unseal(yaml.safe_load(text)) == SECRET.data


def test_a_proposal_with_another_digest_is_not_kept(controller: Controller) -> None:
    sealed = SealedSecrets(controller.path)
    other = Secret(**{**vars(SECRET), "annotations": {**SECRET.annotations, packing.DIGEST: "e" * 64}})
    text = sealed.encrypt(other, FILE, None)
    kept = KeepingProposed(sealed, lambda _: text).encrypt(SECRET, FILE, None)
    assert read_secret(yaml.safe_load(kept)).annotations == SECRET.annotations


def _pem(kind: str) -> bytes:
    key = rsa.generate_private_key(65537, 2048)
    match kind:
        case "expired":
            return certificate(key, days=-1)
        case "elliptic":
            return certificate(ec.generate_private_key(ec.SECP256R1()))
        case "private":
            return certificate(key) + Controller(key, Path()).private_pem()
        case "truncated":
            return certificate(key)[:300]
        case "text":
            return b"hello\n"
    return b""


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("expired", "expired on"),
        ("elliptic", "another key than RSA"),
        ("private", "holds a private key"),
        ("truncated", "is not a certificate in PEM"),
        ("text", "is not a certificate in PEM"),
        ("empty", "is not a certificate in PEM"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_said_with_what_to_do(tmp_path: Path, kind: str, words: str) -> None:
    path = tmp_path / "cert.pem"
    path.write_bytes(_pem(kind))
    with pytest.raises(CertificateUnusable, match=words) as raised:
        SealedSecrets(path).refuse_unusable()
    assert "kubeseal --fetch-cert" in str(raised.value)
    assert "MII" not in str(raised.value)


@pytest.mark.parametrize(("name", "words"), [("nowhere.pem", "No such file"), ("", "Is a directory")])
def test_a_path_that_holds_no_certificate_is_named(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(CertificateUnusable, match=words):
        SealedSecrets(tmp_path / name).refuse_unusable()


def test_cryptography_is_imported_only_by_who_encrypts() -> None:
    program = (
        "import sys; import secretsync.cli.main, secretsync.reconcile.factory, secretsync.cluster.directory, "
        "secretsync.cluster.encryption.sealed_secrets; "
        "sys.exit('cryptography' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
