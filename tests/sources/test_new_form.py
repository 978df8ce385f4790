"""A wholly new form of a source is a module below ``sources/`` and a line of SOURCES: nothing else is told of it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import ValidationError

from secretsync.config import Package, requirement
from secretsync.config.requirement import PatternRequirement, Requirement, pattern
from secretsync.core.model import Bundle, Revision
from secretsync.sources.bundle import bundle_of_tree
from secretsync.sources.open import open_source, package_name, pinned
from secretsync.sources.tree import Entry

BUCKETS = {
    ("policies", "atlas_policy/7"): {
        "pyproject.toml": b"[project]\nversion = '7.0'\n",
        "src/atlas_policy/__init__.py": b"SUPPORTED_VERSION = '41'\n",
    }
}


class BucketSource:
    """An object store in memory."""

    def __init__(
        self, package: Package, requirement: PatternRequirement, *, cache: Path, base: Path, notes: tuple[str, ...]
    ) -> None:
        self._package, self._requirement, self._notes = package, requirement, notes

    @staticmethod
    def pinned(requirement: PatternRequirement, bundle: Bundle) -> str:
        return f"{requirement}?version={bundle.revision.id}"

    @staticmethod
    def package_name(requirement: PatternRequirement) -> str:
        return requirement["key"].partition("/")[0]

    def resolve(self) -> Revision:
        return Revision(self._requirement.text, "", "version:7")

    def fetch(self, revision: Revision) -> Bundle:
        files = BUCKETS[self._requirement["bucket"], self._requirement["key"]]
        return bundle_of_tree(self._package, revision, map(Entry, files), lambda _paths: files, notes=self._notes)


@pytest.fixture(autouse=True)
def bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("secretsync.sources.bucket")
    vars(module).update(BucketSource=BucketSource)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    line = {"bucket:BucketSource": pattern(r"s3://(?P<bucket>[^/]+)/(?P<key>.+)")}
    monkeypatch.setattr(requirement, "SOURCES", {**line, **requirement.SOURCES})


def configured(written: str) -> Package:
    return Package.model_validate({"moduleName": "atlas_policy", "requirement": written})


def test_the_configuration_takes_the_form_and_carries_what_it_names() -> None:
    package = configured("s3://policies/atlas_policy/7")
    assert package.requirement == PatternRequirement((("bucket", "policies"), ("key", "atlas_policy/7")))
    assert package.model_dump(mode="json")["requirement"] == "s3://policies/atlas_policy/7"


def test_the_other_forms_stay_what_they_are() -> None:
    assert [configured(text).requirement.source for text in ("git+https://h/r", "./dir", "atlas-policy==1")] == [
        "git.source:GitSource",
        "directory:DirectorySource",
        "index.source:IndexSource",
    ]


def test_keys_of_other_forms_are_refused_beside_it() -> None:
    with pytest.raises(ValidationError, match="tag: is for a git requirement"):
        Package.model_validate({"moduleName": "p", "requirement": "s3://b/k", "tag": "~=1.0"})


def test_it_is_opened_pinned_and_named_by_its_class(tmp_path: Path) -> None:
    package = configured("s3://policies/atlas_policy/7")
    source = open_source(package, cache=tmp_path, base=tmp_path)
    bundle = source.fetch(source.resolve())
    assert ([file.path for file in bundle.files], bundle.version) == (["__init__.py"], "7.0")
    assert pinned(package.requirement, bundle) == "s3://policies/atlas_policy/7?version=version:7"
    assert package_name(package.requirement) == "atlas_policy"


def test_a_password_in_it_is_refused_like_in_every_form() -> None:
    with pytest.raises(ValidationError, match="must not hold credentials") as refused:
        configured("s3://me:canary@policies/atlas_policy/7")
    assert "canary" not in refused.value.errors()[0]["msg"]


@pytest.mark.parametrize("text", ["git+https://h/r", "n @ https://h/main.tar.gz#sha256=" + "0" * 64, "./dir", "name"])
def test_each_line_names_a_class_that_opens_pins_and_names(text: str, tmp_path: Path) -> None:
    meant: Requirement = configured(text).requirement
    assert meant.source in requirement.SOURCES
    assert package_name(meant)
    assert open_source(configured(text), cache=tmp_path, base=tmp_path)
