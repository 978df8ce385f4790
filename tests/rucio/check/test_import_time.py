"""What fails while Rucio imports the package, what a permission reads of a question, and what works beside it."""

from __future__ import annotations

import pytest

from tests.rucio.check.build import errors, findings

HAS = "def has_permission(issuer, action, kwargs, *, session=None):\n"
NONE = HAS + "    return None\n"
TABLE = (
    HAS + "    perm = {'add_rse': p}\n    return perm.get(action, q)(issuer=issuer, kwargs=kwargs, session=session)\n"
    "def q(issuer, kwargs, *, session=None):\n    return True\ndef p(issuer, kwargs, *, session=None):\n"
)


def of_permission(code: str) -> list[str]:
    return errors(findings({"permission.py": code}))


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("import os\nX = int(os.getenv('POL'))\n", "depends-on-site"),
        ("import os\nX = os.environ.get('POL').split(',')\n", "depends-on-site"),
        ("import os\nV = os.getenv('POL')\nX = int(V)\n", "depends-on-site"),
        ("import os\nif os.environ['POL'] == 'a':\n    X = 1\n", "depends-on-site"),
        ("from pathlib import Path\nX = list(Path('.').walk())\n", "newer-python"),
        ("from pathlib import Path\nHERE = Path(__file__).parent\nX = list(HERE.walk())\n", "newer-python"),
        ("from rucio.common.types import InternalAccount\nX = InternalAccount | None\n", "newer-python"),
        ("import datetime\nX = datetime.datetime | None\n", "newer-python"),
        ("import sys\nif not hasattr(sys, 'policy'):\n    sys.exit(3)\n", "stops-at-import"),
        ("import sys\nif sys.version_info >= (3, 8):\n    raise RuntimeError\n", "stops-at-import"),
        ("VERSION = 1\nassert VERSION == 2\n", "stops-at-import"),
        ("try:\n    import json\nexcept ImportError:\n    pass\nelse:\n    raise RuntimeError\n", "stops-at-import"),
        ("def stop():\n    raise RuntimeError\nstop()\n", "stops-at-import"),
        ("import sys\ntry:\n    sys.exit(1)\nexcept Exception:\n    pass\n", "stops-at-import"),
        ("class Own:\n    pass\nX = Own.find\n", "missing-attribute"),
    ],
)
def test_what_ends_the_import_is_an_error(code: str, rule: str) -> None:
    assert of_permission(code + NONE) == [rule]


@pytest.mark.parametrize(
    "code",
    [
        "import os\nX = int(os.getenv('POL', '5'))\n",
        "import os\nX = os.environ['POL'] if 'POL' in os.environ else ''\n",
        "import os\nX = os.environ.get('POL')\nY = int(X) if X else 0\n",
        "import os\nX = (os.environ.get('POL') or '').split(',')\n",
        "import os\nX = list(os.walk('.'))\n",
        "import re\nX = re.IGNORECASE | re.MULTILINE\n",
        "import enum\nclass Kind(enum.Flag):\n    A = 1\n    B = 2\nX = Kind.A | Kind.B\n",
        "import sys\nif sys.version_info < (3, 6):\n    sys.exit(3)\n",
        "VERSION = 2\nassert VERSION == 2\n",
        "try:\n    import metacat\nexcept ImportError:\n    pass\nelse:\n    raise RuntimeError\n",
        "try:\n    import json\nexcept ImportError:\n    raise RuntimeError\n",
        "try:\n    raise ValueError\nexcept ValueError:\n    pass\n",
        "if __name__ == '__main__':\n    raise SystemExit\n",
        "class Own:\n    @classmethod\n    def find(cls):\n        return 1\nX = Own.find\n",
        "class Own:\n    pass\nOwn.find = len\nX = Own.find\n",
        "from rucio.common.utils import ScopeExtractionAlgorithms\n"
        "class Own(ScopeExtractionAlgorithms):\n    pass\nX = Own.register\n",
    ],
)
def test_what_does_not_end_the_import_is_no_error(code: str) -> None:
    assert of_permission(code + NONE) == []


def test_a_condition_that_cannot_be_followed_is_a_warning() -> None:
    code = "import os\nif os.environ.get('POL'):\n    raise RuntimeError\n" + NONE
    (found,) = findings({"permission.py": code})
    assert (found.rule, str(found.severity)) == ("stops-at-import", "warning")


@pytest.mark.parametrize("body", ["kwargs['rsee'] == 'a'", "issuer.name == 'root'"])
def test_what_rucio_does_not_give_with_a_question_is_an_error(body: str) -> None:
    assert of_permission(TABLE + f"    return {body}\n") == ["question-arguments"]


@pytest.mark.parametrize(
    "body",
    [
        "kwargs['rse'] == 'a'",
        "kwargs.get('rsee') == 'a'",
        "'rsee' in kwargs and kwargs['rsee'] == 'a'",
        "issuer.external == 'root' and issuer.vo == 'def'",
        "str(issuer.__class__) == 'a'",
    ],
)
def test_what_rucio_gives_or_what_is_looked_for_is_no_error(body: str) -> None:
    assert of_permission(TABLE + f"    return {body}\n") == []


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("def get_algorithms():\n    return list({'scope': {}}.items())\n", "get-algorithms"),
        (
            "def find(did, scopes):\n    return did\ndef get_algorithms():\n    return {'scope': find}\n",
            "get-algorithms",
        ),
        (
            "def get_algorithms():\n    from .own import Own\n    return {'scope': {'pol': Own.find}}\n",
            "missing-attribute",
        ),
        (
            "def get_algorithms():\n    from .own import Own\n    return {'scope': {'pol': Own.lost_static}}\n",
            "algorithm-call",
        ),
        ("globals()['SUPPORTED_VERSION'] = '>=99'\n", "supported-version"),
        ("class V:\n    low = '>=99'\nSUPPORTED_VERSION = V.low\n", "supported-version"),
        ("SUPPORTED_VERSION = [v for v in ('>=99',)]\n", "supported-version"),
        (
            "import sys\nSUPPORTED_VERSION = '>=99' if sys.version_info >= (3, 8) else '>=37'\n",
            "supported-version",
        ),
        ("SUPPORTED_VERSION = ''.join(reversed('99=>'))\n", "supported-version"),
    ],
)
def test_what_the_init_says_is_followed_to_its_value(code: str, rule: str) -> None:
    own = "class Own:\n    def lost_static(self, did, scopes):\n        return did, did\n"
    assert errors(findings({"__init__.py": code, "own.py": own})) == [rule]


def test_a_version_that_the_images_python_decides_on_is_no_alarm() -> None:
    code = "import sys\nSUPPORTED_VERSION = '>=37' if sys.version_info[:2] >= (3, 9) else '>=99'\n"
    assert findings({"__init__.py": code}) == ()


def test_schemas_made_a_tuple_are_no_dictionary() -> None:
    schema = "SCHEMAS = {'account': {'type': 'string'}}\nSCHEMAS = tuple(SCHEMAS.items())\n"
    assert errors(findings({"schema.py": schema})) == ["schema-content"]


@pytest.mark.parametrize(
    "sets",
    [
        "settings.DEBUG = True\n",
        "setattr(settings, 'DEBUG', True)\n",
        "for name in ('DEBUG',):\n    setattr(settings, name, True)\n",
        "settings.__dict__['DEBUG'] = True\n",
        "vars(settings).update(DEBUG=True)\n",
    ],
)
def test_an_attribute_that_another_module_sets_is_not_missing(sets: str) -> None:
    code = "from . import settings\n" + HAS + "    return True if settings.DEBUG else None\n"
    assert errors(findings({"settings.py": "", "permission.py": code})) == ["missing-attribute"]
    by_init = f"from . import settings\nSUPPORTED_VERSION = ['>=36']\n{sets}"
    assert errors(findings({"settings.py": "", "permission.py": code, "__init__.py": by_init})) == []
