"""Files that are missing, cannot be compiled, or are hostile."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secretsync.core.model import File
from secretsync.rucio.check import Severity, code
from tests import ROOT
from tests.rucio.check.build import GOOD, errors, findings, only


def test_a_sound_package_has_no_findings() -> None:
    assert findings() == ()


def test_without_init_an_older_copy_is_used() -> None:
    found = only(findings({"__init__.py": None}))
    assert (found.rule, found.severity) == ("init-missing", Severity.ERROR)
    assert "older copy" in found.effect


def test_without_permission_rucio_uses_its_generic_permissions_with_a_warning() -> None:
    found = only(findings({"permission.py": None}))
    assert (found.rule, found.severity) == ("permission-missing", Severity.ERROR)
    assert "generic permissions, with a WARNING" in found.effect


def test_with_several_vos_a_missing_permission_raises() -> None:
    assert "PolicyPackageNotFound" in only(findings({"permission.py": None}, vo="atl")).effect


def test_a_package_folder_is_a_permission_module_too() -> None:
    assert findings({"permission.py": None, "permission/__init__.py": GOOD["permission.py"]}) == ()


def test_without_schema_or_its_schemas_rucio_validates_by_its_generic_ones() -> None:
    assert only(findings({"schema.py": None})).rule == "schema-missing"
    assert only(findings({"schema.py": "NAME_LENGTH = 250\n"})).effect.startswith("Without SCHEMAS")


@pytest.mark.parametrize(
    "source",
    [
        "def f(:\n",
        "return 1\n",
        "match x:\n    case 1: pass\n",
        "try: pass\nexcept* ValueError: pass\n",
        "x[*a]\n",
        "x[1, *a]\n",
        "def f(*args: *Ts): pass\n",
        "a = 1\0\n",
        b"# coding: utf-8\nx = '\xff'\n",
        b"# coding: no-such-thing\n",
        b"\xff\xfe\x00\x00",
        "x = " + "(" * 5000 + ")" * 5000 + "\n",
        "x = " + "-" * 100_000 + "1\n",
        "x = " + "+".join(["1"] * 100_000) + "\n",
        "x = " + "a." * 100_000 + "b\n",
        "x = 1\n" * 2_000_000,
    ],
    ids=[
        "syntax", "return", "match", "except-star", "star-index", "star-in-tuple", "star-annotation", "null",
        "encoding", "coding", "binary", "parentheses", "minus", "plus", "attributes", "ten-megabytes",
    ],
)  # fmt: skip
def test_what_python_39_cannot_compile_is_a_finding_and_nothing_more(source: str | bytes) -> None:
    found = [one for one in findings({"permission.py": source}) if one.rule == "syntax"]
    assert [one.path for one in found] == ["permission.py"]
    assert found[0].severity is Severity.ERROR


@pytest.mark.parametrize(
    "source",
    [
        "import io\nwith (io.StringIO('a') as a, io.StringIO('b') as b): pass\n",
        "import functools as a\n@[a][0].cache\ndef f(): pass\n",
        "x = f\"{'a'}\"\n",
        "def f(a, /, *, b): pass\n",
        "if (n := 1): pass\n",
        "a = b = {}\nx = {**a} | {**b}\n",
    ],
)
def test_what_python_39_compiles_is_no_finding(source: str) -> None:
    assert findings({"permission.py": source + GOOD["permission.py"]}) == ()


def test_a_package_of_many_large_files_is_read_only_up_to_a_limit() -> None:
    large = {f"a{n}.py": f"#{'_' * 98}\n" * 2_400 for n in range(5)}
    found = [one for one in findings(large) if one.rule == "syntax"]
    assert len(found) == 3
    assert all("files up to 262,144 are read" in one.effect for one in found)


def test_files_of_more_words_and_signs_than_any_policy_are_not_parsed() -> None:
    found = [one for one in findings({"a.py": "a\n" * 50_000, "b.py": "b\n" * 30_000}) if one.rule == "syntax"]
    assert [one.path for one in found] == ["a.py"]
    assert "60,000 words and signs" in found[0].effect


@pytest.mark.parametrize(
    "source",
    [
        b"import " + b"a." * 20_000 + b"a\n",
        b"import " + b"a . " * 1_000 + b"a\n",
        b"x = 1; from " + b"a.\\\n" * 1_000 + b"a import b\n",
        "import {}a\n".format("é." * 1_000).encode(),
        b"# coding: utf-7\nimport " + b"a+AC4-" * 1_000 + b"a\n",
    ],
    ids=["plain", "spaced", "over lines", "letters", "in another encoding"],
)
def test_a_name_of_hundreds_of_parts_is_not_given_to_pythons_parser(source: bytes) -> None:
    module = code.parse("schema", File("schema.py", source))
    assert module.fault is not None
    assert module.fault.reason == "holds a name of hundreds of parts"


def test_dots_of_prose_are_no_name_of_many_parts() -> None:
    source = b"# " + b"." * 500 + b"\n'" + b"Sentence. Another, " * 300 + b"'\n" + b"x = a" + b".b()" * 150 + b"\n"
    assert code.parse("schema", File("schema.py", source)).fault is None


@pytest.mark.parametrize(
    "source",
    [
        f"SUPPORTED_VERSION = '>={'9' * 5000}'\n",
        f"X_LENGTH = 0x{'f' * 50_000}\n",
        f"SUPPORTED_VERSION = 0x{'f' * 9000}\n",
    ],
    ids=["a version", "a length", "a number for a version"],
)
def test_numbers_of_thousands_of_digits_are_findings(source: str) -> None:
    found = findings({"__init__.py": source, "schema.py": source})
    assert any("number of thousands of digits" in one.effect or "cannot read" in one.effect for one in found)


def test_syntax_that_takes_the_grammar_of_39_more_than_seconds_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secretsync.core.confined.SECONDS", 1)
    endless = "a[*b]\nf'" + "{a}" * 15_000 + "'\n"
    found = [one for one in findings({"permission.py": endless}) if one.rule == "syntax"]
    assert ["takes more than" in one.effect for one in found] == [True]


@given(st.one_of(st.text(), st.binary()))
@settings(max_examples=60, deadline=None)
def test_whatever_a_file_holds_the_check_comes_to_its_end(content: str | bytes) -> None:
    encodable = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    for name in ("__init__.py", "permission.py", "schema.py", "lfn2pfn.py"):
        assert all(one.effect and one.remedy for one in findings({name: encodable}))


def test_an_elif_chain_without_end_does_not_end_the_check() -> None:
    chain = "if x == 0: pass\n" + "".join(f"elif x == {n}: pass\n" for n in range(1, 3000))
    assert {one.rule for one in findings({"helper.py": chain})} <= {"syntax"}


def test_a_file_that_rucio_never_loads_only_warns() -> None:
    found = only(findings({"tests/test_it.py": "def f(:\n"}))
    assert (found.rule, found.severity) == ("syntax", Severity.WARNING)


@pytest.mark.parametrize("annotation", ["int | None", "'str' | None", "list[int | str]", "Session"])
def test_an_annotation_that_python_39_cannot_evaluate_is_an_error(annotation: str) -> None:
    for_checkers = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from sqlalchemy.orm import Session\n"
    source = f"{for_checkers}def f(a: {annotation}): pass\n"
    assert errors(findings({"permission.py": source + GOOD["permission.py"]})) == ["python-annotation"]


@pytest.mark.parametrize(
    "source",
    [
        "from __future__ import annotations\ndef f(a: int | None): pass\n",
        "def f(a: 'int | None'): pass\n",
        "from typing import Optional\ndef f(a: Optional[int]) -> list[int]: pass\n",
        "def f():\n    x: int | None = None\n",
    ],
)
def test_an_annotation_that_is_not_evaluated_or_fine_is_no_finding(source: str) -> None:
    assert findings({"schema.py": source + GOOD["schema.py"]}) == ()


def test_a_module_named_like_one_of_the_standard_library_is_noticed() -> None:
    found = only(findings({"types.py": ""}))
    assert (found.rule, found.severity) == ("shadows-standard-library", Severity.NOTICE)


def test_a_subdirectory_that_is_not_mounted_is_an_error_only_where_rucio_imports_from_it() -> None:
    files = {"__init__.py": "from pol.deep import scope\n", "deep/scope.py": "", "tests/test_it.py": ""}
    found = findings(files, mounted=frozenset({""}))
    assert {one.about: one.severity for one in found if one.rule == "unmounted-directory"} == {
        "deep": Severity.ERROR,
        "tests": Severity.WARNING,
    }
    assert findings(files, mounted=frozenset({"", "deep", "tests"})) == ()


def test_a_file_without_a_mount_is_an_error_where_rucio_imports_it_and_a_notice_where_not() -> None:
    files = {"__init__.py": "from pol import helper\n", "helper.py": "", "tools.py": "", "README.md": ""}
    mounted = frozenset({"__init__.py", "permission.py", "schema.py"})
    error, notice = findings(files, mounted_files=mounted)
    assert (error.rule, error.severity, error.path) == ("unmounted-file", Severity.ERROR, "helper.py")
    assert "mountPath: …/pol/helper.py, subPath: helper.py" in error.remedy
    assert (notice.rule, notice.severity) == ("unmounted-file", Severity.NOTICE)
    assert notice.effect.startswith("No mount brings README.md, tools.py: ")
    assert only(findings(files, mounted_files=mounted | {"helper.py"})) == notice
    assert findings(files, mounted_files=mounted | set(files)) == ()


WITHOUT_A_HOME = """
import os, pwd
os.environ.pop("HOME", None)
os.environ.pop("XDG_CACHE_HOME", None)
def no_account(_):
    raise KeyError
pwd.getpwuid = no_account
from secretsync.core.model import Bundle, File, Revision
from secretsync.rucio.check import Situation, check
files = [File("__init__.py", b"SUPPORTED_VERSION = ['>=37']"), File("permission.py", b"x = {}\\na[*b]\\n")]
found = check(Bundle("pol", "1", Revision("s", "", "commit:1"), tuple(files)), Situation())
assert not [finding for finding in found if "damaged" in finding.effect], found
"""


def test_the_check_works_for_a_user_with_neither_a_home_nor_an_account() -> None:
    """As containers are run; the parser looks for a home when it is imported."""
    subprocess.run([sys.executable, "-c", WITHOUT_A_HOME], cwd=ROOT, check=True)


@pytest.mark.parametrize("length", [300, 900, 1500, 2500])
@pytest.mark.parametrize(
    "chain",
    [
        lambda length: "def f(a):\n    if a:\n        return 0\n" + "    elif a:\n        return 1\n" * length,
        lambda length: "X = " + " + ".join(["'a'"] * length) + "\n",
        lambda length: "def f(a):\n    return " + " or ".join(f"a == {number}" for number in range(length)) + "\n",
        lambda length: "X = {" + ", ".join(f"'k{number}': {number}" for number in range(length)) + "}\n",
        lambda length: "def f(a):\n    return " + "".join(f"1 if a == {i} else " for i in range(length)) + "0\n",
    ],
    ids=["elif", "sum", "or", "dictionary", "choice"],
)
def test_a_long_chain_that_python_compiles_is_no_finding(chain: Callable[[int], str], length: int) -> None:
    assert findings({"permission.py": chain(length) + GOOD["permission.py"]}) == ()
