"""Makes docs/messages/README.md: every error that secretsync reports, by its code, as the code has it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import secretsync
from secretsync.core.errors import SecretSyncError
from secretsync.reconcile.reasons import REASONS

PAGE = Path(__file__).parents[1] / "docs" / "messages" / "README.md"
HEAD = """<!-- Made by scripts/messages.py from the code; change it there. -->

# Error codes

An error is a sentence that names the thing and the remedy. Its code never changes: it is `code` of an error in
`-o json`, and a label of `secretsync_source_errors_total`. The category is the `reason` of a failed pass in metrics and
Events. What the exit codes mean is in the [reference](../reference/exit-codes.md); what to do about the frequent
ones is in the [runbook](../runbook.md). Findings of the check have codes of their own, in the [rules](../rules.md).
"""


def page() -> str:
    """The text of the page: a section for each category, an entry for each code."""
    errors = sorted(_errors(), key=lambda error: (list(REASONS).index(error.category), error.code, error.__module__))
    sections = [HEAD]
    for category, members in groupby(errors, key=lambda error: error.category):
        rows = [_row(error) for error in members]
        table = ["| code | exit code | meaning |", "|---|---|---|", *rows]
        sections.append("\n".join([f"## {category}", "", f"{_sentence(REASONS[category])}", "", *table, ""]))
    return "\n".join(sections)


def _errors() -> Iterator[type[SecretSyncError]]:
    """Every error that has a code of its own; the other classes only group errors."""
    for module in pkgutil.walk_packages(secretsync.__path__, "secretsync."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return (error for error in _subclasses(SecretSyncError) if "code" in vars(error))


def _subclasses(error: type[SecretSyncError]) -> set[type[SecretSyncError]]:
    direct = {sub for sub in error.__subclasses__() if sub.__module__.startswith("secretsync.")}
    return direct.union(*(_subclasses(sub) for sub in direct))


def _row(error: type[SecretSyncError]) -> str:
    # a bare vertical bar would end the cell
    meaning = _meaning(error).replace("|", "\\|")
    return f"| `{error.code}` | {error.exit_code} | {meaning} |"


def _meaning(error: type[SecretSyncError]) -> str:
    """The first paragraph of the docstring, with the class's own remedy; without a docstring its reason and remedy."""
    own, remedy = vars(error).get("__doc__"), vars(error).get("remedy", "")
    # a dataclass without a docstring gets its signature as one
    if own and not own.startswith(f"{error.__name__}("):
        meaning = " ".join(inspect.cleandoc(own).partition("\n\n")[0].replace("``", "`").split())
        return f"{meaning} {_sentence(remedy)}" if isinstance(remedy, str) and remedy else meaning
    parts = [vars(error).get("reason", ""), remedy]
    said = "; ".join(part for part in parts if part)
    return _sentence(said) if said else _meaning(error.__bases__[0])


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
