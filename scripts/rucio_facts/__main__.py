"""Reads Rucio's releases from the package index and writes secretsync/rucio/check/rucio_facts.json.

    python -m scripts.rucio_facts --python3.9 PATH --newer-python PATH [--cache FOLDER]

The newest patch of every minor release since 36 is downloaded (not installed) and its source read with ``ast``. What
its images install is found by installing the release with the extras of Rucio's container files into a folder, once for
each different set of dependencies, with the Python 3.9 that those images run. The newer Python tells which names of the
standard library the images lack.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from scripts.rucio_facts.facts import facts_of
from scripts.rucio_facts.images import IMAGE_BASES, IMAGES, added, images, python_of, standard_library
from scripts.rucio_facts.releases import download, newest_patches
from scripts.rucio_facts.signatures import signatures_of

OUTPUT = Path(__file__).parents[2] / "secretsync" / "rucio" / "check" / "rucio_facts.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python3.9", dest="python", type=Path, required=True)
    parser.add_argument("--newer-python", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "secretsync-rucio-facts")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)

    releases = {minor: download(version, options.cache) for minor, version in newest_patches().items()}
    facts = {minor: facts_of(files) for minor, files in releases.items()}
    installed = {minor: images(files, options.python, options.cache) for minor, files in releases.items()}
    before, after = standard_library(options.python), standard_library(options.newer_python)
    result = {
        "releases": {minor: {**facts[minor]["own"], "python": python_of(minor)} for minor in releases},
        "image_bases": IMAGE_BASES,
        "installed": {
            kind: compact({minor: packages[kind] for minor, packages in installed.items()}) for kind in IMAGES
        },
        "modules": compact({minor: fact["modules"] for minor, fact in facts.items()}),
        "names": {
            module: compact({minor: fact["names"].get(module, []) for minor, fact in facts.items()})
            for module in sorted({module for fact in facts.values() for module in fact["names"]})
        },
        "distributions": {
            kind: compact({minor: packages[kind + " distributions"] for minor, packages in installed.items()})
            for kind in IMAGES
        },
        "arguments": {
            action: compact({minor: fact["arguments"].get(action, []) for minor, fact in facts.items()})
            for action in sorted({action for fact in facts.values() for action in fact["arguments"]})
        },
        "classes": {
            class_: compact({minor: fact["classes"].get(class_, []) for minor, fact in facts.items()})
            for class_ in sorted({class_ for fact in facts.values() for class_ in fact["classes"]})
        },
        "signatures": signatures_of({minor: fact["signatures"] for minor, fact in facts.items()}),
        "closes_a_cycle": compact({minor: fact["cycles"] for minor, fact in facts.items()}),
        "standard_library": sorted(name for name in before["names"] if "." not in name),
        "not_yet_in_the_images": added({name: had or None for name, had in before["names"].items()}, after["names"]),
        "newer_methods": added(before["classes"], after["methods"]),
        "newer_arguments": added(before["arguments"], after["arguments"]),
    }
    OUTPUT.write_text(json.dumps(result, sort_keys=True, separators=(",", ":")).replace("},", "},\n") + "\n")
    print(f"{OUTPUT}: {len(releases)} releases, {OUTPUT.stat().st_size:,} bytes")


def compact(by_release: Mapping[str, Iterable[str]]) -> dict[str, object]:
    """What all releases have is written once; the rest with the releases that have it."""
    sets = {minor: set(names) for minor, names in by_release.items()}
    everywhere = set.intersection(*sets.values())
    some = sorted(set.union(*sets.values()) - everywhere)
    return {
        "all": sorted(everywhere),
        "some": {name: [minor for minor in sets if name in sets[minor]] for name in some},
    }


if __name__ == "__main__":
    main()
