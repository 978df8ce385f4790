"""Makes docs/messages/README.md: every error that secretsync reports, by its code, as the code has it."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Iterator, Mapping
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


OF_FACTS = "(a sentence for each fault that was found, with its remedy)"
"""What an error says that has no words of its own."""


def page() -> str:
    """The text of the page: a section for each category, an entry for each code."""
    errors = sorted(_errors(), key=lambda error: (list(REASONS).index(error.category), error.code, error.__module__))
    sections = [HEAD]
    for category, members in groupby(errors, key=lambda error: error.category):
        rows = [_row(error) for error in members]
        table = ["| code | exit code | cause | what it says, with the remedy |", "|---|---|---|---|", *rows]
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
    meaning, message = (text.replace("|", "\\|") for text in (_meaning(error), message_of(error)))
    return f"| `{error.code}` | {error.exit_code} | {meaning} | {message} |"


def message_of(error: type[SecretSyncError]) -> str:
    """The sentence of an error as its ``__str__`` is written: ``…`` for each fact, variants one after another."""
    texts = []
    if inspect.isfunction(error.__str__):
        tree = ast.parse(textwrap.dedent(inspect.getsource(error.__str__)))
        variables = {
            node.targets[0].id: _text(node.value, {})
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        texts = [_text(node.value, variables) for node in ast.walk(tree) if isinstance(node, ast.Return) and node.value]
    own = [text for text in (getattr(error, name, "") for name in ("reason", "remedy")) if isinstance(text, str)]
    said = [" ".join(text.split()) for text in (*texts, *own) if any(letter.isalpha() for letter in text)]
    return " / ".join(dict.fromkeys(text.strip("; ") for text in said)) or OF_FACTS


def _text(node: ast.AST, variables: Mapping[str, str]) -> str:
    """The text of an expression, of which only its constants and the *variables* are known."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(part, variables) for part in parts)
        case ast.FormattedValue(value=ast.Name(id=name)) | ast.Name(id=name):
            return variables.get(name, "…")
        case ast.IfExp(body=body, orelse=orelse):
            return " / ".join(filter(None, (_text(body, variables), _text(orelse, variables))))
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _text(left, variables) + _text(right, variables)
        case ast.BoolOp(values=values):
            return _text(values[-1], variables)
        case ast.Call(func=ast.Attribute(value=value, attr="removesuffix" | "removeprefix" | "strip")):
            return _text(value, variables)
        case _:
            return "…"


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
