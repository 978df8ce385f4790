"""The pages in a real Chromium: axe-core objects to nothing, no message, no request, nothing wider than the window.

The browser is Debian's (``apt-get install chromium``); what drives it is installed by
``mkdir -p build/browser && cp tests/browser/package.json build/browser && (cd build/browser && npm install)``.
The screenshots lie in ``build/screenshots``, to be looked at.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.output.pages import PAGES
from tests.on_demand import ON_DEMAND

ROOT = Path(__file__).parents[3]
LOOK = ROOT / "tests" / "browser" / "look.mjs"
MODULES = ROOT / "build" / "browser" / "node_modules"

pytestmark = [ON_DEMAND, pytest.mark.slow]


@pytest.fixture(scope="module")
def chromium() -> str:
    found, node = shutil.which("chromium"), shutil.which("node")
    if not found or not node:
        pytest.skip("chromium or node is not installed: apt-get install chromium nodejs npm")
    if not (MODULES / "axe-core").is_dir() or not (MODULES / "puppeteer-core").is_dir():
        pytest.skip("axe-core and puppeteer-core are not installed: see the head of this file")
    return found


def look(chromium: str, page: str, folder: Path) -> list[dict[str, Any]]:
    """What is found at each width, light and dark."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "page.html"
    path.write_text(page)
    arguments = ["node", str(LOOK), str(MODULES), chromium, str(folder), path.as_uri()]
    done = subprocess.run(arguments, check=True, stdout=subprocess.PIPE, timeout=300)
    return list(json.loads(done.stdout))


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_objected_to(chromium: str, name: str) -> None:
    found = look(chromium, PAGES[name](), ROOT / "build" / "screenshots" / name)
    assert [(one["width"], one["scheme"]) for one in found] == [
        (width, scheme) for width in (390, 1024, 1600) for scheme in ("light", "dark")
    ]
    wrong = {key: [one[key] for one in found if one[key]] for key in ("violations", "messages", "requests")}
    assert wrong == {"violations": [], "messages": [], "requests": []}
    assert not any(one["overflows"] for one in found)


def test_what_is_wrong_with_a_page_is_found(chromium: str, tmp_path: Path) -> None:
    page = PAGES["plan"]().replace(
        "</main>", '<img src="https://example.org/x.png"><p style="width: 3000px">wide</p></main>'
    )
    (first, *_) = look(chromium, page, tmp_path)
    assert any(violation.startswith("image-alt") for violation in first["violations"])
    assert first["messages"]
    assert first["overflows"]
