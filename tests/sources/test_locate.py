"""Finding the package in a tree: what is chosen, what is left out, and what is refused by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretsync.sources.locate import EmptyPackage, LinkLeadsOut, PackageNotFound, SubmoduleInPackage, locate
from secretsync.sources.tree import Entry, Kind, UnsafePath

PACKAGE = ("m/__init__.py", "m/permission.py")


def tree(*paths: str, links: dict[str, str] | None = None, submodules: tuple[str, ...] = ()) -> list[Entry]:
    return [
        *map(Entry, paths),
        *(Entry(path, Kind.SYMLINK, target) for path, target in (links or {}).items()),
        *(Entry(path, Kind.SUBMODULE) for path in submodules),
    ]


def files(entries: list[Entry], **choice: tuple[str, ...]) -> list[str]:
    return list(locate(entries, "m", **choice).files)  # type: ignore[arg-type]  # globs alone are passed


def test_each_path_in_the_package_names_where_its_bytes_are() -> None:
    located = locate(tree("src/m/__init__.py", "src/m/a/b.py"), "m")
    assert located.directory == "src/m"
    assert located.files == {"__init__.py": "src/m/__init__.py", "a/b.py": "src/m/a/b.py"}


@pytest.mark.parametrize(
    ("paths", "candidates"),
    [
        (("m/__init__.py", "src/m/__init__.py"), ("m", "src/m")),
        (("a/m/__init__.py", "b/m/__init__.py"), ("a/m", "b/m")),
    ],
)
def test_two_directories_of_the_name_are_an_error_that_lists_both(
    paths: tuple[str, ...], candidates: tuple[str, ...]
) -> None:
    with pytest.raises(PackageNotFound, match="2 directories are called m") as ambiguous:
        locate(tree(*paths), "m")
    assert ambiguous.value.candidates == candidates
    assert all(candidate in str(ambiguous.value) for candidate in candidates)


def test_nothing_found_is_an_error_that_lists_what_there_is() -> None:
    with pytest.raises(PackageNotFound, match="src/other") as missing:
        locate(tree("__init__.py", "pyproject.toml", "src/other/__init__.py", "src/other/permission.py"), "m")
    assert missing.value.candidates == ("src/other",)


@pytest.mark.parametrize("policy", ["lab/permission.py", "lab/schema.py", "lab/permission/__init__.py"])
def test_tests_and_tools_beside_a_policy_package_are_no_candidates(policy: str) -> None:
    with pytest.raises(PackageNotFound) as missing:
        locate(tree("lab/__init__.py", policy, "tests/__init__.py", "tools/__init__.py"), "lab_policy")
    assert missing.value.candidates == ("lab",)


def test_without_any_policy_module_all_packages_are_candidates() -> None:
    with pytest.raises(PackageNotFound) as missing:
        locate(tree("lab/__init__.py", "tests/__init__.py"), "lab_policy")
    assert missing.value.candidates == ("lab", "tests")


def test_an_empty_root_beside_another_policy_package_is_not_taken_for_the_package() -> None:
    with pytest.raises(PackageNotFound):
        locate(tree("__init__.py", "src/other/__init__.py", "src/other/permission.py"), "m")


def test_a_directory_without_init_is_explained() -> None:
    with pytest.raises(PackageNotFound, match=r"src/m has no __init__\.py"):
        locate(tree("src/m/permission.py"), "m")


def test_a_subdirectory_that_is_not_there_is_named() -> None:
    with pytest.raises(PackageNotFound, match="no directory elsewhere"):
        locate(tree(*PACKAGE), "m", subdirectory="elsewhere")


@pytest.mark.parametrize("copy", ["build/lib/m", ".tox/py/m", "venv/lib/site-packages/m", "dist/m"])
def test_copies_that_builds_leave_are_not_the_source(copy: str) -> None:
    assert locate(tree("deep/down/m/__init__.py", f"{copy}/__init__.py"), "m").directory == "deep/down/m"


def test_a_package_inside_of_itself_is_not_ambiguous() -> None:
    assert locate(tree("x/m/__init__.py", "x/m/algorithms/m/__init__.py"), "m").directory == "x/m"


@pytest.mark.parametrize(
    "path",
    [
        *("m/.git/config", "m/.gitignore", "m/.github/ci.yml", "m/.gitlab-ci.yml", "m/__pycache__/a.pyc"),
        *("m/a/__pycache__/b.pyc", "m/b.pyc", "m/m.egg-info/PKG-INFO", "m/.DS_Store"),
    ],
)
def test_what_is_not_the_package_stays_out(path: str) -> None:
    assert files(tree(*PACKAGE, path)) == ["__init__.py", "permission.py"]


@pytest.mark.parametrize(
    "path",
    [
        *(
            "README.md",
            "LICENSE",
            "LICENCE.txt",
            "pyproject.toml",
            "setup.py",
            "setup.cfg",
            "CHANGELOG.rst",
            "Makefile",
        ),
        *("requirements-dev.txt", "uv.lock", "tox.ini", ".editorconfig", "docs/index.md", "CODEOWNERS", "Dockerfile"),
    ],
)
def test_what_belongs_to_the_project_stays_out_where_the_root_is_the_package(path: str) -> None:
    assert files(tree("__init__.py", "permission.py", path)) == ["__init__.py", "permission.py"]
    assert files(tree(*PACKAGE, f"m/sub/{path}")) == ["__init__.py", "permission.py", f"sub/{path}"]


def test_include_and_exclude_choose_by_the_path_in_the_package() -> None:
    entries = tree(*PACKAGE, "m/a.cfg", "m/tests/test_a.py", "m/sub/tests/b.py", "m/sub/c.py")
    assert files(entries, include=("*.py",), exclude=("/tests/",)) == [
        "__init__.py",
        "permission.py",
        "sub/c.py",
        "sub/tests/b.py",
    ]
    assert files(entries, exclude=("tests", "*.cfg")) == ["__init__.py", "permission.py", "sub/c.py"]


def test_globs_that_leave_nothing_are_an_error() -> None:
    with pytest.raises(EmptyPackage, match="include and exclude"):
        files(tree(*PACKAGE), include=("*.txt",))


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside", "nowhere", "loop", "../m"])
def test_a_symlink_that_cannot_be_followed_inside_is_an_error_by_name(target: str) -> None:
    with pytest.raises(LinkLeadsOut, match="m/loop"):
        files(tree(*PACKAGE, links={"m/loop": target}))


def test_a_symlink_that_leads_out_may_be_excluded_or_lie_elsewhere() -> None:
    assert files(tree(*PACKAGE, links={"m/x": "/etc/passwd"}), exclude=("x",)) == ["__init__.py", "permission.py"]
    assert files(tree(*PACKAGE, links={"other/x": "/etc/passwd"})) == ["__init__.py", "permission.py"]


def test_links_over_links_are_followed() -> None:
    entries = tree(*PACKAGE, "lib/real.py", links={"m/a.py": "../one/real.py", "one": "two", "two": "lib"})
    assert locate(entries, "m").files["a.py"] == "lib/real.py"


def test_a_submodule_in_the_package_is_an_error_by_name() -> None:
    entries = tree(*PACKAGE, submodules=("m/vendored", "elsewhere"))
    with pytest.raises(SubmoduleInPackage, match="m/vendored"):
        files(entries)
    assert files(entries, exclude=("vendored/",)) == ["__init__.py", "permission.py"]


@pytest.mark.parametrize("path", ["../x", "/x", "m/../../x", "m//x", "m/./x"])
def test_a_path_that_climbs_is_refused(path: str) -> None:
    with pytest.raises(UnsafePath, match="leads out"):
        files(tree(*PACKAGE, path))


@pytest.mark.parametrize("name", ["a\nb.py", "a\\b.py", "a\x00b", "\udce9.py", "a\u202eb.py"])
def test_a_name_that_cannot_be_read_aloud_is_refused(name: str) -> None:
    with pytest.raises(UnsafePath):
        files(tree(*PACKAGE, f"m/{name}"))


@pytest.mark.parametrize("twins", [("a.py", "A.py"), ("é.py", "e\u0301.py"), ("x/a.py", "X/a.py")])
def test_names_that_differ_in_case_or_form_only_are_refused(twins: tuple[str, str]) -> None:
    with pytest.raises(UnsafePath, match="only in case"):
        files(tree(*PACKAGE, *(f"m/{name}" for name in twins)))


NAMES = st.text("abc._-", min_size=1, max_size=4).filter(lambda name: name not in (".", ".."))
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


@given(st.lists(PATHS, max_size=12), st.dictionaries(PATHS, PATHS, max_size=6))
def test_whatever_the_tree_every_file_found_is_a_file_of_it(paths: list[str], links: dict[str, str]) -> None:
    entries = tree("m/__init__.py", *(f"m/{path}" for path in paths), links={f"m/{a}": b for a, b in links.items()})
    try:
        found = locate(entries, "m").files
    except (LinkLeadsOut, UnsafePath):
        return
    assert set(found.values()) <= {entry.path for entry in entries if entry.kind is Kind.FILE}
