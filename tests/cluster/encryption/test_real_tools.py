"""The real kubeseal unseals, and the real sops decrypts, what a pass wrote. Each runs where it is on PATH.

``go install github.com/bitnami-labs/sealed-secrets/cmd/kubeseal@v0.27.1 github.com/getsops/sops/v3/cmd/sops@v3.9.0
filippo.io/age/cmd/age-keygen@v1.2.1``
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from secretsync.cluster.encryption.encryption import read_secret
from secretsync.core.errors import SecretSyncError
from secretsync.core.secret_codec import secret_from
from tests.cluster.encryption.controller import Controller
from tests.cluster.encryption.test_encrypted_site import CHANGED, SOUND, sealed_site, secrets
from tests.cluster.repository.site import Site

pytestmark = pytest.mark.slow  # each case starts git and a tool


def needs(*tools: str) -> pytest.MarkDecorator:
    missing = [tool for tool in tools if not shutil.which(tool)]
    return pytest.mark.skipif(bool(missing), reason=f"not on PATH: {', '.join(missing)}")


@needs("kubeseal")
def test_the_controller_s_own_code_unseals_what_a_pass_sealed(tmp_path: Path) -> None:
    controller = Controller.make(tmp_path / "cert.pem")
    site = sealed_site(tmp_path)
    site.package({"algorithms/__init__.py": "", "binary.py": "# \N{SNOWMAN}\n"})
    site.sync()
    key = tmp_path / "key.pem"
    key.write_bytes(controller.private_pem())
    found = secrets(site)
    assert len(found) == 2
    for name, manifest in found.items():
        run = subprocess.run(
            ["kubeseal", "--recovery-unseal", "--recovery-private-key", str(key)],
            input=yaml.safe_dump(manifest).encode(), stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
        unsealed = secret_from(json.loads(run.stdout))
        sealed = read_secret(manifest)
        assert (unsealed.namespace, unsealed.name, unsealed.type) == ("rucio", name, "Opaque")
        assert (unsealed.labels, unsealed.annotations) == (sealed.labels, sealed.annotations)
        assert unsealed.immutable
        assert unsealed.data == controller.unseal(manifest)


@needs("kubeseal")
def test_a_secret_that_kubeseal_sealed_is_read_by_the_same_rules(tmp_path: Path) -> None:
    controller = Controller.make(tmp_path / "cert.pem")
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "ours", "namespace": "rucio", "annotations": {"note": "x"}},
        "data": {"a.py": base64.b64encode(b"x = 1\n").decode()},
    }
    run = subprocess.run(
        ["kubeseal", "--cert", str(controller.path), "--format", "yaml"],
        input=json.dumps(manifest).encode(), stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    sealed = yaml.safe_load(run.stdout)
    assert controller.unseal(sealed) == {"a.py": b"x = 1\n"}
    found = read_secret(sealed)
    assert (found.name, found.data, found.annotations) == ("ours", {"a.py": b""}, {"note": "x"})


@needs("sops", "age-keygen")
def test_sops_decrypts_what_a_pass_encrypted_and_nothing_is_rewritten(tmp_path: Path) -> None:
    key = tmp_path / "age.key"
    subprocess.run(["age-keygen", "-o", str(key)], check=True, stderr=subprocess.DEVNULL)
    public = next(line.split()[-1] for line in key.read_text().splitlines() if "public key" in line)
    site = Site(tmp_path, encrypt={"sops": True})
    rules = {"creation_rules": [{"path_regex": "clusters/staging/", "age": public}]}
    site.commit({".sops.yaml": yaml.safe_dump(rules)})
    with pytest.raises(SecretSyncError, match=r"no creation rule of \.sops\.yaml matches clusters/production/rucio/"):
        site.sync()
    rules["creation_rules"].append(
        {"path_regex": r"^clusters/production/.*\.yaml$", "encrypted_regex": "^(data|stringData)$", "age": public}
    )
    site.commit({".sops.yaml": yaml.safe_dump(rules)})
    site.sync()
    head = site.head()
    assert not site.preview().pending
    site.sync()
    assert site.head() == head
    (manifest,) = secrets(site).values()
    assert decrypted(manifest, key, tmp_path)["permission.py"] == SOUND.encode()
    site.package({"permission.py": CHANGED})
    site.sync()
    contents = [decrypted(one, key, tmp_path)["permission.py"] for one in secrets(site).values()]
    assert sorted(contents) == sorted([SOUND.encode(), CHANGED.encode()])


def decrypted(manifest: object, key: Path, folder: Path) -> dict[str, bytes]:
    """As Flux decrypts it: by the key alone, the message authentication code checked."""
    file = folder / "encrypted.yaml"
    file.write_text(yaml.safe_dump(manifest, sort_keys=False))
    run = subprocess.run(
        ["sops", "--decrypt", str(file)], stdout=subprocess.PIPE, check=True,
        env={"PATH": os.environ["PATH"], "SOPS_AGE_KEY_FILE": str(key), "HOME": str(folder)},
    )  # fmt: skip
    return dict(secret_from(yaml.safe_load(run.stdout)).data)
