from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretsync.rucio.wiring import OneVoTwice, UnusableRoot, ZipNotOnPythonPath
from tests.rucio.charts.build import FLAT, packed, wiring


def test_each_directory_is_mounted_where_python_looks_for_it_below_the_root() -> None:
    made = wiring()
    assert [(mount.secret, mount.path, mount.key) for mount in made.mounts] == [
        ("cms-policy", "/opt/policy/cms_policy", ""),
        ("cms-policy-algorithms", "/opt/policy/cms_policy/algorithms", ""),
    ]
    assert made.python_path == ("/opt/policy",)


def test_the_root_is_where_the_operator_wants_it() -> None:
    made = wiring(root="/opt/rucio/permissions/")
    assert made.mounts[0].path == "/opt/rucio/permissions/cms_policy"
    assert made.python_path == ("/opt/rucio/permissions",)


def test_an_existing_root_gets_the_same_mounts_and_leaves_python_path_alone() -> None:
    made = wiring(style="existing", root="/opt/rucio/permissions/rubin")
    assert [mount.path for mount in made.mounts] == [
        "/opt/rucio/permissions/rubin/cms_policy",
        "/opt/rucio/permissions/rubin/cms_policy/algorithms",
    ]
    assert made.python_path == ()


def test_file_by_file_each_key_is_mounted_into_site_packages_by_sub_path() -> None:
    made = wiring(packed(files=("__init__.py", "algorithms/lfn2pfn.py")), style="files")
    there = "/usr/local/lib/python3.9/site-packages/cms_policy"
    assert [(mount.secret, mount.key, mount.path) for mount in made.mounts] == [
        ("cms-policy", "__init__.py", f"{there}/__init__.py"),
        ("cms-policy-algorithms", "lfn2pfn.py", f"{there}/algorithms/lfn2pfn.py"),
    ]
    assert made.python_path == ()


def test_a_zip_is_named_by_python_path_itself() -> None:
    made = wiring(packed(layout="zip"))
    assert [mount.path for mount in made.mounts] == ["/opt/policy/cms_policy"]
    assert made.python_path == ("/opt/policy/cms_policy/cms_policy.zip",)


def test_packages_of_several_vos_share_the_root_and_have_a_mount_each() -> None:
    made = wiring(packed("cms_policy", FLAT, "cms"), packed("dune_policy", FLAT, "dun", layout="zip"))
    assert [mount.path for mount in made.mounts] == ["/opt/policy/cms_policy", "/opt/policy/dune_policy"]
    assert made.python_path == ("/opt/policy/dune_policy/dune_policy.zip", "/opt/policy")
    assert made.modules == {"cms": "cms_policy", "dun": "dune_policy"}


@pytest.mark.parametrize("vo", ["", "cms"])
def test_two_packages_for_one_vo_are_refused_by_name(vo: str) -> None:
    with pytest.raises(OneVoTwice, match=r"cms_policy and dune_policy are both for the .*VO"):
        wiring(packed("cms_policy", vo=vo), packed("dune_policy", vo=vo))


@pytest.mark.parametrize(("style", "root"), [("existing", "/opt/site"), ("files", "")])
def test_a_zip_is_refused_where_python_path_is_not_set(style: str, root: str) -> None:
    with pytest.raises(ZipNotOnPythonPath, match="--style directory"):
        wiring(packed(layout="zip"), style=style, root=root)


@pytest.mark.parametrize("root", ["policy", "/", "//", "/opt/../", "/opt/a:b", "/opt/$HOME", '/opt/"a"', "/opt/a b"])
def test_a_root_that_python_path_cannot_name_is_refused(root: str) -> None:
    with pytest.raises(UnusableRoot):
        wiring(root=root)


def test_the_existing_root_must_be_named() -> None:
    with pytest.raises(UnusableRoot, match="the folder that PYTHONPATH names already"):
        wiring(style="existing")


@given(st.sets(st.from_regex(r"[-_.a-zA-Z0-9]{1,80}", fullmatch=True).filter(lambda name: name.strip(".")), min_size=1))
def test_volumes_have_dns_labels_for_names_and_no_two_share_one(names: set[str]) -> None:
    files = tuple(name for name in names if not name.startswith(".."))
    volumes = [mount.volume for mount in wiring(packed(files=("__init__.py", *files)), style="files").mounts]
    assert len(set(volumes)) == len(volumes)
    assert all(re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", volume) for volume in volumes)
