"""The report as a comment on a merge request."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from secretsync.cli.output import markdown, report
from tests.cli.output import sessions

HOSTILE = (
    "</summary><img src=x onerror=alert(1)> **b** [l](https://evil.example) @root #1 `x` ![i](www.evil.example)\n/close"
)


def hostile() -> report.Report:
    plan = sessions._plan(texts=True)
    (target,) = plan.targets
    finding = report.Finding(
        module=HOSTILE, rule="rule", severity="error", path=HOSTILE, line=3, effect=HOSTILE, remedy=HOSTILE
    )
    (package,) = target.packages
    package = replace(package, module=HOSTILE, version=HOSTILE, source=HOSTILE)
    changes = {"findings": (finding,), "warnings": (HOSTILE,), "summary": HOSTILE, "packages": (package,)}
    return replace(plan, targets=(replace(target, **changes),))


def outside_of_code(text: str) -> str:
    return re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "", text, flags=re.DOTALL)


def test_the_outcome_stands_first_and_details_are_folded() -> None:
    text = markdown.render(sessions._plan(texts=True))
    assert text.startswith("### production\n\n**pending: 1 Secret, 10 restarts")
    assert text.index("pending") < text.index("<details>") < text.index("```diff")
    assert text.count("<details") == text.count("</details>")


def test_words_of_others_stay_text() -> None:
    text = outside_of_code(markdown.render(hostile()))
    assert "<img" not in text
    assert "**b**" not in text
    assert not re.search(r"[@#]\w", re.sub(r"&#\d+;", "", text))
    assert "](" not in text
    assert "https://" not in text
    assert "www.e" not in text
    assert not re.search(r"^/", text, flags=re.MULTILINE)


def test_a_fence_in_a_diff_does_not_end_the_block() -> None:
    changed = report.FileChange(path="a", change="added", diff=("@@ -0,0 +1,2 @@", "+````", "+<script>"))
    block = markdown._diff(changed).text
    assert "`````diff" in block
    assert block.count("`````\n") == 1


@pytest.mark.parametrize("limit", [2_000, 5_000, markdown.LIMIT])
def test_what_matters_least_is_left_out_and_named(limit: int) -> None:
    plan = sessions._plan(texts=True)
    (target,) = plan.targets
    (package,) = target.packages
    (secret,) = package.secrets
    long = report.FileChange(path="long.py", change="added", diff=tuple(f"+{'ä' * 60}" for _ in range(2_000)))
    package = replace(package, secrets=(replace(secret, files=(long, *secret.files)),))
    target = replace(target, packages=(package,))
    text = markdown.render(replace(plan, targets=(target,)), limit)
    assert len(text.encode()) <= limit
    assert "**pending" in text
    assert "the diff of long.py" in text.rpartition("Left out")[2]


def test_many_targets_fit() -> None:
    plan = sessions._plan()
    text = markdown.render(replace(plan, targets=plan.targets * 500))
    assert len(text.encode()) <= markdown.LIMIT


def with_actions() -> report.Report:
    """Who decides otherwise on an action whose name and program are hostile."""
    plan = sessions._plan()
    (target,) = plan.targets
    row = report.Action(action=f"a|{HOSTILE}", before=HOSTILE, after="generic", change="removed", rucio=("41.5.1",))
    same = report.Action(action="add_did", before="generic", after="generic", change="", rucio=("41.5.1",))
    actions = (report.Actions(module=HOSTILE, actions=(row, same)),)
    return replace(plan, targets=(replace(target, actions=actions),))


def test_who_decides_otherwise_is_a_table_and_hostile_names_stay_in_their_cells() -> None:
    text = markdown.render(with_actions())
    (line,) = [line for line in text.splitlines() if "generic" in line]
    assert len(re.findall(r"(?<!\\)\|", line)) == 6
    assert "add_did" not in text
    assert "<img" not in outside_of_code(text)
