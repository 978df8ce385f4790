"""Policy packages of a few lines, and what is said about them."""

from __future__ import annotations

from collections.abc import Mapping

from secretsync.core.model import Bundle
from secretsync.rucio.check import Finding, Severity, Situation, check
from tests.build import bundle

INIT = 'SUPPORTED_VERSION = ">=36"\n'
PERMISSION = """
def has_permission(issuer, action, kwargs, *, session=None):
    perm = {"add_rule": perm_add_rule, "add_did": perm_default}
    return perm.get(action, perm_default)(issuer=issuer, kwargs=kwargs, session=session)

def perm_default(issuer, kwargs, *, session=None):
    return issuer.external == "root"

def perm_add_rule(issuer, kwargs, *, session=None):
    return True
"""
SCHEMA = """
NAME_LENGTH = 250
NAME = {"type": "string", "maxLength": NAME_LENGTH}
SCHEMAS = {"name": NAME}
"""
GOOD = {"__init__.py": INIT, "permission.py": PERMISSION, "schema.py": SCHEMA}
RUCIO = "41.5.1"


def policy(changes: Mapping[str, str | bytes | None] | None = None, module: str = "pol") -> Bundle:
    """A sound policy package, with other files; None leaves a file out."""
    files = {**GOOD, **(changes or {})}
    return bundle({path: data for path, data in files.items() if data is not None}, module)


def findings(
    changes: Mapping[str, str | bytes | None] | None = None, *, rucio: str = RUCIO, **situation: object
) -> tuple[Finding, ...]:
    return check(policy(changes), Situation(rucio=(rucio,), **situation))  # type: ignore[arg-type]


def only(found: tuple[Finding, ...]) -> Finding:
    (one,) = found
    return one


def errors(found: tuple[Finding, ...]) -> list[str]:
    return [one.rule for one in found if one.severity is Severity.ERROR]
