"""Writes docs/reference and docs/rules.md from the code: configuration, command line, Events, exit codes, rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from secretsync import config
from secretsync.cli.commands import COMMANDS
from secretsync.cli.main import INTERRUPTED, TERMINATED, cli
from secretsync.core import errors
from secretsync.reconcile.events import EVENTS
from secretsync.reconcile.reasons import REASONS
from secretsync.rucio.check import documentation

DOCS = Path(__file__).parents[1] / "docs"
FOLDER = DOCS / "reference"
MADE = "<!-- Made by scripts/reference.py from the code; change it there. -->\n"
EXIT_CODES = {
    0: "done, or nothing to do; also while changes wait, and while a rejected package is held back",
    errors.FAILED: "failed: the source, the check, the cluster, or another run at work; nothing was lost",
    errors.USAGE: "usage or configuration: nothing was tried",
    errors.CHANGES_PENDING: "changes are pending (`--dry-run`)",
    errors.ROLLOUT_FAILED: "a rollout failed or timed out, whether it was put back or not",
    INTERRUPTED: "interrupted by Ctrl-C; the last line says what was written, and the next run continues there",
    TERMINATED: "the same by SIGTERM; `secretsync run` ends with 0",
}


def pages() -> Mapping[str, str]:
    """Each page by its name."""
    return {
        "configuration.md": _page("The configuration", _configuration()),
        "command-line.md": _page("The command line", _command_line()),
        "exit-codes.md": _page("Exit codes", _exit_codes()),
        "events.md": _page("Events", _events()),
    }


def _page(title: str, lines: Iterator[str]) -> str:
    return f"{MADE}\n# {title}\n\n" + "\n".join(lines).strip() + "\n"


def _configuration() -> Iterator[str]:
    yield "One YAML file; `secretsync config` says whether it can be used, `secretsync config schema` prints its JSON"
    yield "schema. [`config.example.yaml`](../../config.example.yaml) is the same as a file with comments."
    yield ""
    yield "Durations are seconds, or `90s`, `5m`, `1h`, `1d`. Paths start at the configuration's own folder."
    yield "A *credential* is `{file: PATH}`, whose first line counts, or `{env: NAME}`; never the text itself."
    schema = config.schema()
    yield from _model("The whole", schema, schema)
    for name in _reached(schema):
        yield from _model(name, schema["$defs"][name], schema)


def _reached(schema: dict[str, Any]) -> list[str]:
    """The models in the order in which a reader meets them."""
    found: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            name = str(node.get("$ref", "")).rpartition("/")[2]
            if name and name not in found and "properties" in schema["$defs"][name]:
                found.append(name)
                walk(schema["$defs"][name])
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    walk(schema["properties"])
    return [name for name in found if name not in ("FromFile", "FromEnvironment")]


def _model(name: str, model: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    required = model.get("required", [])
    yield from ("", f"## {name}", "")
    yield from (" ".join(model.get("description", "").split()), "", "| key | what it takes | default | meaning |")
    yield "|---|---|---|---|"
    for key, field in model["properties"].items():
        default = "**required**" if key in required else _default(field)
        meaning = field.get("description", "").replace("|", "\\|")
        yield f"| `{key}` | {_kind(field, schema)} | {default} | {meaning} |"


def _kind(field: dict[str, Any], schema: dict[str, Any]) -> str:
    if ref := field.get("$ref"):
        return _named(ref.rpartition("/")[2], schema)
    if options := field.get("anyOf") or field.get("oneOf"):
        kinds = dict.fromkeys(_kind(one, schema) for one in options if one.get("type") != "null")
        if set(kinds) == {"number", "text"} and any("pattern" in one for one in options):
            return "duration"
        return " or ".join(kinds)
    if "const" in field:
        return f"`{str(field['const']).lower()}`"
    if field.get("format") == "path":
        return "path"
    if "enum" in field:
        return ", ".join(f"`{one}`" if one else "nothing" for one in field["enum"])
    if field.get("type") == "array":
        items = field.get("items") or {"type": "string"}
        return f"list of {_kind(items, schema)}"
    if field.get("type") == "object" and "properties" in field:
        return "mapping of " + ", ".join(f"`{key}`" for key in field["properties"])
    if field.get("type") == "object":
        return f"mapping of names to {_kind(field.get('additionalProperties') or {}, schema)}"
    kinds = {"string": "text", "integer": "number", "boolean": "`true`, `false`"}
    told = field.get("type", "")
    return " or ".join(kinds.get(one, one) for one in ([told] if isinstance(told, str) else told))


def _named(name: str, schema: dict[str, Any]) -> str:
    if name in ("FromFile", "FromEnvironment"):
        return "credential"
    if "properties" not in schema["$defs"][name]:
        return _kind(schema["$defs"][name], schema)
    return f"[{name}](#{name.lower()})"


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    if default is None or default in ("", [], {}) or isinstance(default, dict):
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _command_line() -> Iterator[str]:
    context = click.Context(cli, info_name="secretsync", **cli.context_settings)
    yield "What `--help` prints of each command. Options may stand before or after a command's name."
    yield from _help(cli, context, "secretsync")
    for name in COMMANDS:
        command = cli.get_command(context, name) or cli
        below = click.Context(command, info_name=name, parent=context, **command.context_settings)
        yield from _help(command, below, f"secretsync {name}")
        for child in command.commands if isinstance(command, click.Group) else ():
            found = command.get_command(below, child)
            if isinstance(command, click.Group) and found:
                inner = click.Context(found, info_name=child, parent=below, **found.context_settings)
                yield from _help(found, inner, f"secretsync {name} {child}")


def _help(command: click.Command, context: click.Context, title: str) -> Iterator[str]:
    context.terminal_width = 80
    yield from ("", f"## {title}", "", "```text", command.get_help(context).rstrip(), "```")


def _exit_codes() -> Iterator[str]:
    yield "Of several targets the worst counts: 4 before 2, 1, 3 and 0."
    yield from ("", "| code | meaning |", "|---|---|")
    yield from (f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items())
    yield from ("", "A `Job` that retries should do so on 1 only: neither 2 nor 4 goes away by itself.", "")
    yield from ("## Why a pass failed", "")
    yield "The `reason` in `secretsync_failures_total`, in Events and in what `secretsync status` says of passes:"
    yield from ("", "| reason | meaning |", "|---|---|")
    yield from (f"| `{reason}` | {meaning} |" for reason, meaning in REASONS.items())


def _events() -> Iterator[str]:
    yield "On a change of state, and for what was written, never for a pass that finds things as they were:"
    yield "`kubectl events -n rucio --for secret/NAME`. `notify:` sends those on the Secret to people, too"
    yield "([how](../how-to/notifications.md))."
    yield ""
    yield "Each names versions, digests and revision numbers, never a file's content; what a container last wrote is in"
    yield "`secretsync status` alone. Targets that are directories of manifests have none, nor has a first installation"
    yield "that fails before anything was deployed."
    yield from ("", "| reason | type | meaning |", "|---|---|---|")
    yield from (f"| `{reason}` | {kind.type} | {kind.meaning} |" for reason, kind in EVENTS.items())


if __name__ == "__main__":
    for name, text in pages().items():
        (FOLDER / name).write_text(text)
    (DOCS / "rules.md").write_text(documentation.markdown())
