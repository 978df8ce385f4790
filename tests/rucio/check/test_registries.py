"""``get_algorithms()`` is found wherever it is defined, and read however it is put together."""

from __future__ import annotations

import pytest

from tests.rucio.check.build import errors, findings, only

FIND = "def find(did, scopes):\n    return did\n"


@pytest.mark.parametrize(
    "files",
    [
        {"__init__.py": "from .algorithms import get_algorithms\n"},
        {"__init__.py": "from . import algorithms\nget_algorithms = algorithms.get_algorithms\n"},
        {"__init__.py": "from .algorithms import get_algorithms as own\ndef get_algorithms():\n    return {**own()}\n"},
        {"__init__.py": "from .algorithms import TABLE\ndef get_algorithms():\n    return dict(TABLE, scope={})\n"},
        {"__init__.py": "from .algorithms import TABLE\nget_algorithms = lambda: TABLE\n"},
        {"__init__.py": "def get_algorithms():\n    t = {}\n    t.update({'surl': {}})\n    return t\n"},
        {"__init__.py": "NAME = 'su' + 'rl'\ndef get_algorithms():\n    t = {}\n    t[NAME] = {}\n    return t\n"},
        {"__init__.py": "def get_algorithms():\n    t = {'scope': {}}\n    t |= {'surl': {}}\n    return t\n"},
    ],
)
def test_a_type_that_rucio_refuses_is_found_behind_every_form(files: dict[str, str]) -> None:
    module = "TABLE = {'surl': {'pol': print}}\ndef get_algorithms():\n    return TABLE\n"
    assert "algorithm-type" in errors(findings({"algorithms.py": module, **files}))


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ("def get_algorithms():\n    {'scope': {}}\n", "returns nothing"),
        ("def get_algorithms():\n    return None\n", "returns nothing"),
        ("def get_algorithms():\n    return ['scope']\n", "returns a list"),
        ("async def get_algorithms():\n    return {}\n", "is async"),
        ("def get_algorithms(vo):\n    return {}\n", "wants the argument vo"),
        ("def get_algorithms():\n    yield 'scope', {}\n", "is a generator"),
    ],
)
def test_one_that_gives_no_dictionary_fails_at_its_first_use(definition: str, words: str) -> None:
    assert words in only(findings({"__init__.py": definition})).effect


@pytest.mark.parametrize(
    "definition",
    [
        "def get_algorithms(vo=None):\n    return {}\n",
        "def get_algorithms():\n    return make()\ndef make():\n    return {}\n",
        "import rucio\nget_algorithms = rucio.common\n",
        "def get_algorithms():\n    return {k: {} for k in ('scope',)}\n",
        "def get_algorithms():\n    raise ImportError\n",
    ],
)
def test_one_that_rucio_can_call_or_that_only_running_would_tell_is_no_alarm(definition: str) -> None:
    assert findings({"__init__.py": definition}) == ()


def test_an_import_that_fails_in_a_registry_of_another_module_loses_the_algorithms() -> None:
    files = {
        "__init__.py": "from .algorithms import get_algorithms\n",
        "algorithms.py": "def get_algorithms():\n    from .lost import find\n    return {'scope': {'pol': find}}\n",
    }
    assert errors(findings(files)) == ["algorithms-import"]


def test_a_default_algorithm_module_that_a_registry_of_another_module_uses_is_no_fault() -> None:
    files = {
        "__init__.py": "from .algorithms import get_algorithms\n",
        "algorithms.py": "def get_algorithms():\n    from .scope import find\n    return {'scope': {'pol': find}}\n",
        "scope.py": FIND,
    }
    assert findings(files) == ()


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("scope", "did"),
        ("lfn2pfn", "scope"),
        ("pfn2lfn", "path, name"),
        ("non_deterministic_pfn", "dataset, scope"),
        ("fts3_tape_metadata_plugins", "activity, hints"),
        ("fts3_plugins_init", "config"),
        ("auto_approve", "rule, did, *, session"),
    ],
)
@pytest.mark.parametrize("version", ["37.7.1", "38.5.5", "41.5.1"])
def test_an_algorithm_must_take_what_rucio_gives_its_type(kind: str, parameters: str, version: str) -> None:
    init = f"from .own import find\ndef get_algorithms():\n    return {{'{kind}': {{'pol': find}}}}\n"
    own = f"def find({parameters}):\n    return ''\n"
    found = only(findings({"__init__.py": init, "own.py": own}, rucio=version))
    assert (found.rule, found.path, found.line) == ("algorithm-call", "own.py", 1)


def test_a_default_algorithm_is_called_like_any_other_of_its_type() -> None:
    files = {"lfn2pfn.py": "def lfn2pfn(scope, name):\n    return ''\n"}
    assert only(findings(files)).rule == "algorithm-call"
    assert findings(files, rucio="37.7.1") == ()


def test_a_static_method_and_a_lambda_are_called_too() -> None:
    class_ = "class A:\n    @staticmethod\n    def f(did):\n        return did\n"
    init = "def get_algorithms():\n    return {'scope': {'a': A.f, 'b': lambda did, scopes: did, 'c': lambda: 1}}\n"
    assert [one.about for one in findings({"__init__.py": class_ + init})] == ["a", "c"]


def test_a_method_that_is_registered_without_its_object_misses_an_argument() -> None:
    plugin = "class Plugin:\n    {}def hints(self, hints):\n        return {{}}\n"
    init = "from .tape import Plugin\ndef get_algorithms():\n"
    init += "    return {'fts3_tape_metadata_plugins': {'pol': Plugin.hints}}\n"
    assert only(findings({"__init__.py": init, "tape.py": plugin.format("")})).rule == "algorithm-call"
    assert findings({"__init__.py": init, "tape.py": plugin.format("@classmethod\n    ")}) == ()
    static = plugin.format("@staticmethod\n    ")
    assert only(findings({"__init__.py": init, "tape.py": static})).rule == "algorithm-call"
