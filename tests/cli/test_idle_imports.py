"""What an apply with nothing to do imports: each library costs at every start of a CronJob's pod."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests import ROOT

ALLOWED = {
    "click", "packaging", "pydantic", "structlog", "yaml",
    "annotated_types", "pydantic_core", "typing_extensions", "typing_inspection",  # pydantic's
}  # fmt: skip
PROGRAM = """
import json, sys
from secretsync.cli.main import main
code = main(["apply"])
loaded = {name.partition(".")[0] for name in sys.modules}
print(json.dumps([code, sorted(loaded - sys.stdlib_module_names), [n for n in sys.modules if "rucio.check" in n]]))
"""


def apply(folder: Path) -> list[list[str]]:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    answer: list[list[str]] = json.loads(run.stdout.splitlines()[-1])
    return answer


def test_an_idle_apply_imports_nothing_that_it_does_not_use(tmp_path: Path) -> None:
    package = tmp_path / "policy" / "site_policy"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "permission.py").write_text("def has_permission(issuer, action, kwargs, *, session=None): return None\n")
    (tmp_path / "secretsync.yaml").write_text(
        "packages: [{moduleName: site_policy, requirement: ./policy}]\n"
        "targets: [{cluster: {directory: ./manifests}, namespace: rucio}]\n"
    )
    apply(tmp_path)
    code, libraries, rules = apply(tmp_path)
    assert code == 0
    # the test runner's own start-up hooks are no part of a pod
    assert {name for name in libraries if not name.startswith(("_", "cython_runtime"))} - {"secretsync"} <= ALLOWED
    assert rules == []
