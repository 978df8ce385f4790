"""Renews what the chart's values.schema.json says of ``config``: it is the configuration's own schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from secretsync import config

SCHEMA = Path(__file__).parents[1] / "chart" / "values.schema.json"
NAME = {"$ref": "#/$defs/name"}
DURATION = {"$ref": "#/$defs/duration"}
DURATIONS = {"Config": ("interval", "jitter", "maxInterval"), "Package": ("timeout",), "Rollout": ("timeout", "settle")}
NAMES = {"Package": ("secretName",), "Target": ("namespace", "secretName"), "Election": ("namespace",)}
CLUSTERS = ("DirectoryCluster", "ContextCluster", "InCluster")


def renewed(chart: dict[str, Any]) -> dict[str, Any]:
    """*chart*, with the configuration's models in place of what it said of them."""
    models = {name: _plain(model) for name, model in config.schema()["$defs"].items() if name not in CLUSTERS}
    whole = _plain({key: value for key, value in config.schema().items() if key not in ("$defs", "$schema")})
    _as_helm_gets_it({**models, "Config": whole})
    chart["properties"]["config"] = whole
    chart["$defs"] = {name: chart["$defs"][name] for name in ("duration", "name")} | models
    return chart


def _as_helm_gets_it(models: dict[str, Any]) -> None:
    """What a validator of the configuration says in code, said in the schema's words."""
    for kinds, meant in ((DURATIONS, DURATION), (NAMES, NAME)):
        for model, keys in kinds.items():
            for key in keys:
                models[model]["properties"][key] = meant
    models["Config"]["properties"]["packages"]["minItems"] = 1
    models["Config"]["properties"]["targets"]["minItems"] = 1
    models["Package"]["properties"]["moduleName"]["pattern"] = "^[A-Za-z_][A-Za-z0-9_]*$"
    models["Package"]["properties"]["version"]["type"] = ["string", "number"]
    # a pod has no folder of manifests to write to
    for model in ("Target", "Election"):
        models[model]["properties"]["cluster"] = {
            "type": "object",
            "additionalProperties": False,
            "minProperties": 1,
            "properties": {
                "inCluster": {"const": True},
                "context": {"type": "string"},
                "kubeconfig": {"type": ["string", "null"]},
            },
        }


def _plain(node: Any, of: str = "") -> Any:
    """*node* without titles and defaults, which say nothing to Helm, and without pydantic's own words."""
    if isinstance(node, list):
        return [_plain(child) for child in node]
    if not isinstance(node, dict):
        return node
    unsaid = () if of == "properties" else ("title", "default", "ge", "discriminator")
    return _with_false({key: _plain(child, key) for key, child in node.items() if key not in unsaid})


def _with_false(node: dict[str, Any]) -> dict[str, Any]:
    """*node*; where it is a choice that has ``off``, with what that is to Helm, which reads YAML 1.1: false."""
    choices = node.get("enum")
    if not isinstance(choices, list) or "off" not in choices:
        return node
    return {**node, "enum": [*choices, False], "type": ["string", "boolean"]}


if __name__ == "__main__":
    text = json.dumps(renewed(json.loads(SCHEMA.read_text())), indent=2, ensure_ascii=False)
    SCHEMA.write_text(text + "\n")
