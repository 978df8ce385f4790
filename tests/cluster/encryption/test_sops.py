"""The site's sops: what it is given, what it may answer, and how it fails. A small program stands in for it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import yaml

from secretsync.cluster.encryption.encryption import read_secret
from secretsync.cluster.encryption.errors import SopsFailed, SopsMissing, SopsWithoutRule
from secretsync.cluster.encryption.sops import Sops
from secretsync.core import packing
from secretsync.core.model import Secret

pytestmark = pytest.mark.slow  # each case starts a program

SECRET = Secret(
    "rucio",
    "site-policy",
    {"permission.py": b"def has_permission(): ...\n"},
    annotations={packing.DIGEST: "d" * 64, packing.ENCRYPTION: "sops"},
)
PROGRAM = """\
#!{python}
import json, os, sys, time, yaml
manifest = yaml.safe_load(sys.stdin)
json.dump({{"arguments": sys.argv[1:], "environment": dict(os.environ)}}, open({calls!r}, "w"))
manifest["data"] = {{key: "ENC[AES256_GCM,data:x,type:str]" for key in manifest.get("data", {{}})}}
manifest["sops"] = {{"mac": "ENC[x]"}}
{fault}
yaml.safe_dump(manifest, sys.stdout)
"""


class Site:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.calls, self.program = folder / "site", folder / "calls.json", folder / "bin" / "sops"
        self.file = self.root / "clusters" / "production" / "secret-site-policy.yaml"
        self.program.parent.mkdir()
        self.file.parent.mkdir(parents=True)
        (self.root / ".sops.yaml").write_text("creation_rules: []\n")
        monkeypatch.setenv("PATH", str(self.program.parent), prepend=os.pathsep)
        self.behaves("")

    def behaves(self, fault: str) -> None:
        self.program.write_text(PROGRAM.format(python=sys.executable, calls=str(self.calls), fault=fault))
        self.program.chmod(0o755)

    def encrypt(self, seconds: float = 60) -> str:
        return Sops(self.root, seconds).encrypt(SECRET, self.file, None)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, monkeypatch)


def test_what_sops_encrypted_is_the_manifest_and_its_keys_can_be_read(site: Site) -> None:
    found = read_secret(yaml.safe_load(site.encrypt()))
    assert found.encrypted
    assert found.data == {"permission.py": b""}
    assert packing.has_same_files(found, SECRET) == (packing.DIGEST in SECRET.annotations)
    assert found.annotations == SECRET.annotations


def test_sops_gets_the_rules_that_lie_nearest_and_the_name_of_the_file(site: Site) -> None:
    nearer = site.root / "clusters" / ".sops.yaml"
    nearer.write_text("creation_rules: []\n")
    site.encrypt()
    arguments = yaml.safe_load(site.calls.read_text())["arguments"]
    assert arguments[arguments.index("--config") + 1] == str(nearer)
    assert arguments[arguments.index("--filename-override") + 1] == str(site.file)
    assert arguments[arguments.index("--encrypted-regex") + 1] == "^(data|stringData)$"


def test_sops_gets_an_environment_made_for_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGE_TOKEN", "forge-token")
    monkeypatch.setenv("SOPS_AGE_KEY", "AGE-SECRET-KEY-1")
    monkeypatch.setenv("SOPS_AGE_RECIPIENTS", "age1somebody")
    monkeypatch.setenv("AWS_PROFILE", "site")
    site.encrypt()
    given = yaml.safe_load(site.calls.read_text())["environment"]
    assert given["AWS_PROFILE"] == "site"
    assert not given.keys() & {"FORGE_TOKEN", "SOPS_AGE_KEY", "SOPS_AGE_RECIPIENTS"}


def test_content_is_written_to_no_disk(site: Site) -> None:
    site.encrypt()
    folder = site.root.parent
    assert not [path for path in folder.rglob("*") if path.is_file() and b"ZGVmIGhhc19w" in path.read_bytes()]


def test_a_site_without_rules_is_told_what_to_add(site: Site) -> None:
    (site.root / ".sops.yaml").unlink()
    (site.root.parent / ".sops.yaml").write_text("creation_rules: []\n")  # not the site's
    with pytest.raises(SopsWithoutRule, match=r"no \.sops\.yaml in a folder of clusters/production"):
        site.encrypt()


def test_rules_that_match_no_such_file_are_named(site: Site) -> None:
    site.behaves("sys.exit('error loading config: no matching creation rules found')")
    with pytest.raises(SopsWithoutRule, match=r"no creation rule of \.sops\.yaml matches clusters/production/secret-"):
        site.encrypt()


def test_no_sops_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(site.root))
    with pytest.raises(SopsMissing, match="install it"):
        site.encrypt()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("sys.exit('failed to reach the key service')", r"ended with exit code 1 \(failed to reach the key service\)"),
        ("os.kill(os.getpid(), 9)", "ended with exit code -9"),
        ("print('['); sys.exit()", "answered no YAML"),
        ("sys.exit(0)", "answered no encrypted manifest"),
        ("del manifest['sops']", "answered no encrypted manifest"),
        ("manifest['data']['permission.py'] = 'cGxhaW4='", "left values readable"),
        ("del manifest['data']['permission.py']", "left values readable"),
        ("manifest['metadata']['name'] = 'ENC[x]'", "encrypted more than 'data'"),
    ],
)
def test_what_sops_does_wrong_is_one_sentence_and_nothing_is_answered(site: Site, fault: str, words: str) -> None:
    site.behaves(fault)
    with pytest.raises(SopsFailed, match=words):
        site.encrypt()


def test_a_sops_that_hangs_is_ended(site: Site) -> None:
    site.behaves("time.sleep(600)")
    with pytest.raises(SopsFailed, match=r"did not end within 0\.5 s"):
        site.encrypt(0.5)
