"""Each kind of fault that Rucio answers for, and what looks like it and works."""

from __future__ import annotations

import pytest

from secretsync.rucio.check import Severity
from tests.rucio.check.build import errors, findings, only

HEAD = "def has_permission(issuer, action, kwargs, *, session=None):\n"
TABLE = (
    HEAD + "    perm = {'add_rse': p}\n    return perm.get(action, p)(issuer=issuer, kwargs=kwargs, session=session)\n"
)
BOUND = "from rucio.core.account import has_account_attribute\n" + TABLE + "def p(issuer, kwargs, *, session=None):\n"


def rules(permission: str = "", **situation: object) -> list[str]:
    return errors(findings({"permission.py": permission}, **situation))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "code",
    [
        "import importlib.metadata\nX = importlib.metadata.version('lab-policy')\n",
        "from importlib.metadata import version as v\nX = v(__package__)\n",
        "from importlib import metadata\nX = metadata.distribution('pol').version\n",
        "import pkg_resources\nX = pkg_resources.get_distribution('pol').version\n",
        "from importlib.metadata import entry_points\nX = entry_points(group='pol')\n",
        "from importlib.metadata import entry_points\nX = entry_points()['pol']\n",
        "X = open('rules.json').read()\n",
        "from pathlib import Path\nX = Path('rules.json').read_text()\n",
        "from pathlib import Path\nX = (Path(__file__).parent / 'data' / 'rules.json').read_text()\n",
        "import os\nHERE = os.path.dirname(os.path.abspath(__file__))\nX = open(os.path.join(HERE, 'rules.json'))\n",
        "from importlib.resources import files\nX = files(__package__).joinpath('rules.json').read_text()\n",
        "import importlib.resources as r\nX = r.read_text('pol', 'rules.json')\n",
        "import pkgutil\nX = pkgutil.get_data(__package__, 'rules.json')\n",
        "def load():\n    with open('rules.json') as stream:\n        return stream.read()\nX = load()\n",
    ],
)
@pytest.mark.parametrize("file", ["__init__.py", "permission.py", "schema.py"])
def test_what_a_secret_does_not_bring_fails_at_import(code: str, file: str) -> None:
    rest = {"permission.py": HEAD + "    return None\n", "schema.py": "SCHEMAS = {}\n"}.get(file, "")
    assert errors(findings({file: code + rest})) == ["not-in-secret"]


@pytest.mark.parametrize(
    "code",
    [
        "from importlib.metadata import version\nX = version('rucio')\n",
        "from importlib.metadata import PackageNotFoundError, version\ntry:\n    X = version('lab')\n"
        "except PackageNotFoundError:\n    X = ''\n",
        "from importlib.metadata import version\ndef later():\n    return version('lab')\n",
        "from pathlib import Path\nX = (Path(__file__).parent / 'data' / 'own.json').read_text()\n",
        "from importlib.resources import files\nX = (files(__package__) / 'data/own.json').read_text()\n",
        "import os\nX = open(os.path.join(os.path.dirname(__file__), 'schema.py')).read()\n",
        "try:\n    X = open('rules.json').read()\nexcept OSError:\n    X = ''\n",
        "if __name__ == '__main__':\n    import os\n",
        "import os\nX = os.environ.get('EXPERIMENT')\nY = os.environ['PATH']\n",
        "from rucio.common.config import config_get\nX = config_get('a', 'b', raise_exception=False, default='')\n",
    ],
)
def test_what_is_there_or_guarded_or_later_is_no_alarm(code: str) -> None:
    assert findings({"__init__.py": code, "data/own.json": "{}"}) == ()


def test_a_resolved_path_does_not_lead_to_the_secret_of_another_directory() -> None:
    code = "from pathlib import Path\nX = (Path(__file__).resolve().parent / '%s').read_text()\n"
    assert errors(findings({"__init__.py": code % "data/own.json", "data/own.json": ""})) == ["not-in-secret"]
    assert findings({"__init__.py": code % "schema.py"}) == ()


@pytest.mark.parametrize(
    ("version", "words"),
    [("38.5.5", "without a log line"), ("41.5.1", "PolicyPackageNotFound"), ("37.5.0", "WARNING in the log")],
)
def test_a_distribution_that_is_not_found_is_a_package_that_is_not_found(version: str, words: str) -> None:
    code = "from importlib.metadata import version\nX = version('lab-policy')\n"
    assert words in only(findings({"__init__.py": code}, rucio=version)).effect


@pytest.mark.parametrize(
    "code",
    [
        "import os\nX = os.environ['EXPERIMENT']\n",
        "from os import environ\nNAME = 'EXPERI' + 'MENT'\nX = environ[NAME]\n",
        "import requests\nX = requests.get('https://cric.example/rules').json()\n",
        "from rucio.common.config import config_get\nX = config_get('experiment', 'rules')\n",
    ],
)
def test_what_a_site_may_not_have_is_said(code: str) -> None:
    assert errors(findings({"permission.py": code + HEAD + "    return None\n"})) == ["depends-on-site"]


def test_a_variable_that_all_pods_set_is_no_fault() -> None:
    code = "import os\nX = os.environ['EXPERIMENT']\n"
    assert findings({"__init__.py": code}, environment=frozenset({"EXPERIMENT"})) == ()


@pytest.mark.parametrize("answer", ["1", "'yes'", "(True, 'why')", "[True]", "f'{issuer}'", "1 if kwargs else 0", "{}"])
def test_what_has_no_allowed_is_no_answer(answer: str) -> None:
    assert rules(HEAD + f"    return {answer}\n") == ["has-permission"]
    assert rules(TABLE + f"def p(issuer, kwargs, *, session=None):\n    return {answer}\n") == ["permission-table"]


@pytest.mark.parametrize(
    "answer", ["True", "None", "issuer.external == 'root'", "bool(kwargs)", "not kwargs", "kwargs"]
)
def test_what_may_be_an_answer_is_no_alarm(answer: str) -> None:
    assert rules(HEAD + f"    return {answer}\n") == []


def test_an_answer_that_is_not_returned_leaves_all_to_generic() -> None:
    wrong = TABLE.replace("    return perm", "    perm") + "def p(issuer, kwargs, *, session=None):\n    return True\n"
    assert rules(wrong) == ["has-permission"]
    dropped = TABLE + "def p(issuer, kwargs, *, session=None):\n    issuer.external == 'root'\n"
    assert rules(dropped) == ["permission-table"]


def test_none_on_purpose_is_no_alarm() -> None:
    assert rules("import logging\n" + HEAD + "    logging.info('asked for %s', action)\n") == []
    assert rules(HEAD + "    pass\n") == []


def test_an_action_that_the_table_lacks_is_a_key_error() -> None:
    lookup = (
        TABLE.replace("perm.get(action, p)", "perm[action]") + "def p(issuer, kwargs, *, session):\n    return True\n"
    )
    assert rules(lookup) == ["permission-table"]
    asks = lookup.replace("    return perm", "    if action not in perm:\n        return None\n    return perm")
    assert rules(asks) == []


DECORATED = "import functools\nDECORATOR\n" + TABLE + "@own\ndef p(issuer, kwargs, *, session):\n    return True\n"


@pytest.mark.parametrize(
    "decorator",
    [
        "def own(f):\n    def g(issuer, kwargs):\n        return f(issuer, kwargs)\n    return g",
        "def own(f):\n    @functools.wraps(f)\n    def g(issuer, kwargs, session=None):\n"
        "        return f(issuer, kwargs)\n    return g",
        "def own(f):\n    def g(issuer, kwargs, **rest):\n        return f(issuer=issuer, kwargs=kwargs)\n    return g",
    ],
)
def test_a_decorator_that_drops_the_session_gives_the_action_to_generic(decorator: str) -> None:
    assert rules(DECORATED.replace("DECORATOR", decorator)) == ["permission-table"]


@pytest.mark.parametrize(
    "decorator",
    [
        "def own(f):\n    def g(*a, **k):\n        return f(*a, **k)\n    return g",
        "def own(f):\n    def g(issuer, kwargs, session=None):\n        return f(issuer, kwargs, session=session)\n"
        "    return g",
        "ALL = []\ndef own(f):\n    ALL.append(f)\n    return f",
        "def own(f):\n    def g(issuer, **k):\n        return f(issuer, **k)\n    return g",
    ],
)
def test_a_decorator_that_hands_everything_on_is_no_alarm(decorator: str) -> None:
    assert rules(DECORATED.replace("DECORATOR", decorator)) == []


def test_a_core_function_is_called_with_what_it_takes_in_that_version() -> None:
    call = BOUND + "    return has_account_attribute(issuer, 'admin')\n"
    assert rules(call, rucio="41.5.1") == ["unbound-call"]
    assert rules(call, rucio="38.5.5") == []
    assert rules(BOUND + "    return has_account_attribute(issuer, 'admin', session=session)\n") == []
    assert rules(BOUND + "    return has_account_attribute(issuer, **kwargs)\n") == []


def test_a_name_that_nothing_defines_is_found_where_it_runs() -> None:
    assert rules(HEAD + "    return lost(issuer)\n") == ["undefined-name"]
    assert rules(HEAD + "    return None\nX = lost\n") == ["undefined-name"]
    assert rules(HEAD + "    return None\ndef unused():\n    return lost\n") == []
    star = "from rucio.core.permission.generic import *\n" + HEAD
    assert rules(star + "    return _is_root(issuer)\n") == ["undefined-name"]
    assert rules(star + "    return perm_default(issuer, kwargs, session=session)\n") == []


@pytest.mark.parametrize(
    "schema",
    [
        "SCHEMAS = {'account': {'type': 'string', 'pattern': '('}}",
        "SCHEMAS = {'account': {'type': 'sting'}}",
        "SCHEMAS = {'account': {'$ref': '#/nowhere'}}",
        "SCHEMAS = {'account': {'type': 'object', 'properties': {'a': {'maxLength': '25'}}}}",
        "SCHEMAS = {'account': {'required': True}}",
        "P = '[a-z'\nACCOUNT = {'type': 'string', 'pattern': '^%s$' % P}\nSCHEMAS = {'account': ACCOUNT}",
        "from rucio.common.schema.generic import *\nSCHEMAS['account'] = {'type': 'sting'}",
        "from rucio.common.schema.generic import SCHEMAS\nSCHEMAS = {**SCHEMAS, 'account': 5}",
        "SCHEMAS = []",
        "SCHEMAS = {}\nSCOPE_NAME_REGEXP = '/(.*)'",
        "SCHEMAS = {}\nSCOPE_NAME_REGEXP = '/(.*'",
    ],
)
def test_a_schema_that_cannot_be_used_is_an_error(schema: str) -> None:
    assert errors(findings({"schema.py": schema + "\n"})) == ["schema-content"]


@pytest.mark.parametrize(
    "schema",
    [
        "SCHEMAS = {'account': {'type': ['string', 'null'], 'pattern': '^[a-z]+$', 'maxLength': 25}}",
        "SCHEMAS = {'account': {'definitions': {'a': {}}, '$ref': '#/definitions/a'}}",
        "from rucio.common.schema.generic import *",
        "from rucio.common.schema.generic import *\nSCHEMAS['account'] = ACCOUNT",
        "from rucio.common.schema.generic import NAME_LENGTH\nSCHEMAS = {'name': {'maxLength': NAME_LENGTH}}",
        "SCHEMAS = {}\nSCOPE_NAME_REGEXP = '/(.*)/(.*)'",
    ],
)
def test_a_sound_schema_is_no_alarm(schema: str) -> None:
    assert findings({"schema.py": schema + "\n"}) == ()


@pytest.mark.parametrize(
    "code",
    [
        "Flag = bool | None\n",
        "from dataclasses import dataclass\n@dataclass(slots=True)\nclass A:\n    x: int\n",
        "X = list(zip([1], [2], strict=True))\n",
        "import datetime\nX = datetime.UTC\n",
        "import enum\nclass A(enum.StrEnum):\n    x = 'y'\n",
        "X = (5).bit_count()\n",
        "from collections import Counter\nX = Counter('a').total()\n",
        "import string\nX = string.Template('$a').get_identifiers()\n",
        "import tempfile\nX = tempfile.TemporaryDirectory(delete=False)\n",
        "import subprocess\nX = subprocess.run(['true'], process_group=0)\n",
    ],
)
def test_what_python_39_does_not_have_fails_at_import(code: str) -> None:
    assert rules(code + HEAD + "    return None\n") == ["newer-python"]


def test_what_python_39_does_not_have_in_a_permission_gives_it_to_generic() -> None:
    (found,) = findings({"permission.py": HEAD + "    return isinstance(action, int | str)\n"})
    assert (found.rule, "generic permissions" in found.effect) == ("newer-python", True)


@pytest.mark.parametrize(
    "code", ["X = 1 | 2\n", "X = {1} | {2}\n", "from __future__ import annotations\ndef f(x: int | None): pass\n"]
)
def test_what_python_39_has_is_no_alarm(code: str) -> None:
    assert rules(code + HEAD + "    return None\n") == []


def test_a_lazy_import_that_always_runs_is_an_error_and_another_warns() -> None:
    (found,) = findings({"permission.py": HEAD + "    import metacat\n    return None\n"})
    assert (found.rule, found.severity) == ("late-import", Severity.ERROR)
    later = HEAD + "    if action == 'add_rse':\n        import metacat\n    return None\n"
    assert [one.severity for one in findings({"permission.py": later})] == [Severity.WARNING]


def test_both_alternatives_of_a_try_that_are_missing_are_an_error() -> None:
    either = "try:\n    import {}\nexcept ImportError:\n    import {}\n" + HEAD + "    return None\n"
    assert rules(either.format("metacat", "metadog")) == ["permission-import"]
    assert rules(either.format("metacat", "json")) == []
    assert rules(either.format("json", "metadog")) == []


def test_an_answer_that_is_kept_in_a_name_and_not_returned_is_forgotten() -> None:
    permission = """
def has_permission(issuer, action, kwargs, *, session=None):
    perm = {"add_rse": perm_default}
    result = perm.get(action, perm_default)(issuer=issuer, kwargs=kwargs, session=session)

def perm_default(issuer, kwargs, *, session=None):
    return True
"""
    assert "has-permission" in errors(findings({"permission.py": permission}))


@pytest.mark.parametrize(
    ("pattern", "fails"), [("^[a-z]++$", True), ("(?>a)", True), (r"^\\++$", True), (r"a\++", False)]
)
def test_a_pattern_that_python_3_9_does_not_compile_is_told(pattern: str, fails: bool) -> None:
    schema = f"SCHEMAS = {{'account': {{'type': 'string', 'pattern': {pattern!r}}}}}\n"
    assert ("schema-content" in errors(findings({"schema.py": schema}))) is fails


@pytest.mark.parametrize("call", ["importlib.import_module('metacat')", "__import__('metacat')"])
def test_a_call_that_imports_a_module_that_is_not_installed_is_an_import(call: str) -> None:
    own = "def has_permission(issuer, action, kwargs, *, session=None):\n    return None\n"
    always = f"import importlib\nmetacat = {call}\n{own}"
    guarded = f"import importlib\ntry:\n    metacat = {call}\nexcept ImportError:\n    metacat = None\n{own}"
    assert errors(findings({"permission.py": always})) == ["permission-import"]
    assert errors(findings({"permission.py": guarded})) == []


def test_a_class_that_derives_from_what_the_half_loaded_permission_module_lacks_dies() -> None:
    own = "def has_permission(issuer, action, kwargs, *, session=None):\n    return None\n"
    derived = "import rucio.core.permission\nclass Denied(rucio.core.permission.PermissionResult):\n    pass\n"
    used = "import rucio.core.permission\ndef denied():\n    return rucio.core.permission.PermissionResult(False)\n"
    assert errors(findings({"permission.py": derived + own})) == ["import-cycle"]
    assert errors(findings({"permission.py": used + own})) == []


def test_tables_that_are_called_in_several_ways_are_not_judged_by_one_of_them() -> None:
    tables = """
    admin = {'add_rse': allow}
    perm = {'del_rse': deny}
    if action in admin:
        return admin[action](issuer)
    return perm.get(action, deny)(issuer, kwargs, session=session)
def allow(issuer):
    return True
def deny(issuer, kwargs, *, session):
    return False
"""
    assert rules(HEAD + tables) == []


def test_a_variable_that_another_module_of_the_package_sets_is_there() -> None:
    code = {"__init__.py": "import os\nos.environ.update({'LAB_URL': 'x'})\n", "permission.py": "import os\n"}
    code["permission.py"] += "URL = os.environ['LAB_URL']\n" + HEAD + "    return None\n"
    assert findings(code) == ()  # type: ignore[arg-type]
    code["__init__.py"] = "import os\ndef later():\n    os.environ.update({'LAB_URL': 'x'})\n"
    assert errors(findings(code)) == ["depends-on-site"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "use",
    [
        "getattr(rucio.core.account, 'is_admin', None)",
        "rucio.core.account.has_account_attribute",
        "rucio.core.account.__name__",
    ],
)
def test_what_a_module_of_rucio_has_or_is_asked_with_a_default_is_no_alarm(use: str) -> None:
    assert rules(f"import rucio.core.account\nX = {use}\n" + HEAD + "    return None\n") == []


def test_a_name_of_rucio_behind_a_question_for_it_is_a_warning() -> None:
    asked = "import rucio.core.account as account\n" + HEAD
    asked += "    if hasattr(account, 'is_admin'):\n        return account.is_admin(issuer)\n    return None\n"
    assert [found.severity for found in findings({"permission.py": asked})] == [Severity.WARNING]


@pytest.mark.parametrize("answer", ["issuer.external.startswith('r')", "re.match('r', 'root') is not None", "found"])
def test_an_answer_that_may_be_true_or_false_is_no_alarm(answer: str) -> None:
    assert rules(f"import re\n{HEAD}    found = kwargs.get('locked')\n    return {answer}\n") == []


def test_what_python_says_of_a_pattern_goes_nowhere(recwarn: pytest.WarningsRecorder) -> None:
    findings({"schema.py": "SCHEMAS = {'account': {'type': 'string', 'pattern': '[[:alpha:]]'}}\n"})
    assert not recwarn.list


def test_a_schema_that_is_fetched_from_the_network_is_a_warning_and_a_draft_of_json_schema_is_none() -> None:
    there = "SCHEMAS = {'account': {'type': 'object', 'properties': {'a': {'$ref': 'http://lab.org/a.json#/x'}}}}\n"
    found = only(findings({"schema.py": there}))
    assert (found.rule, found.severity) == ("schema-content", Severity.WARNING)
    assert "http://lab.org/a.json" in found.effect
    own = "SCHEMAS = {'account': {'$id': 'http://lab.org/a.json', '$ref': 'http://lab.org/a.json#/definitions/x'}}\n"
    draft = "SCHEMAS = {'account': {'$ref': 'http://json-schema.org/draft-07/schema#'}}\n"
    assert findings({"schema.py": own}) == findings({"schema.py": draft}) == ()


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("own(issuer)", ["unbound-call"]),
        ("own(issuer, kwargs, session)", ["unbound-call"]),
        ("own(issuer, kwargs, session=session)", []),
        ("own(issuer, kwargs, 'x, y', session=session)", []),
    ],
)
def test_calls_of_own_functions_with_annotations_are_looked_at(call: str, found: list[str]) -> None:
    own = (
        "def own(issuer: str, kwargs: 'dict[str, int]', text: str = 'a, b', *, session: object) -> bool:\n"
        "    return True\n"
    )
    code = f"def has_permission(issuer, action, kwargs, *, session=None):\n    return {call}\n"
    assert errors(findings({"permission.py": own + code})) == found
