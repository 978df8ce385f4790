"""Puts bugs into the core, one at a time, and says which of them no test notices.

python -m scripts.mutants [--count N] [--seed N] [MODULE ...]

A mutant is one small change of one module: a comparison turned round, a condition dropped, a call left out. It is made
in a copy of the working tree, and the tests of the module run there, at first those of its own file. One that survives
is shown as a difference. It means that a test is missing, or that the two programs do the same.
"""

from __future__ import annotations

import argparse
import ast
import copy
import difflib
import itertools
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).parents[1]
JOBS = 2
TIMEOUT = 300
FAST = "not control_plane and not network and not slow"

CORE = {
    "secretsync/plan": ("tests/plan", "tests/reconcile"),
    "secretsync/core/packing.py": ("tests/core", "tests/plan", "tests/reconcile"),
    "secretsync/core/package_zip.py": ("tests/core",),
    "secretsync/sources/index": ("tests/sources/index",),
    "secretsync/reconcile/reconciler.py": ("tests/reconcile",),
    "secretsync/reconcile/apply.py": ("tests/reconcile",),
    "secretsync/reconcile/undo.py": ("tests/reconcile",),
    "secretsync/reconcile/rollout.py": ("tests/reconcile",),
    "secretsync/reconcile/gates.py": ("tests/reconcile",),
    "secretsync/core/kinds": ("tests/core", "tests/plan"),
}
"""What decides, and the tests that must notice when it decides otherwise."""

_TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
_OTHER_CALL = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list", "reversed": "list"}
_OTHER_OPERATOR: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}


@dataclass(frozen=True)
class Mutant:
    """A module's text with one bug."""

    module: Path
    before: str
    after: str

    def __str__(self) -> str:
        lines = difflib.unified_diff(self.before.splitlines(), self.after.splitlines(), lineterm="", n=2)
        return "\n".join([str(self.module), *list(lines)[2:]])


def sample(module: Path, count: int, seed: int) -> list[Mutant]:
    """Some *count* mutants of the module at *module*, a path below the root; the same ones for the same *seed*."""
    text = (ROOT / module).read_text(encoding="utf-8")
    every = changes(text)
    chosen = random.Random(f"{seed} {module}").sample(every, min(count, len(every)))
    before = ast.unparse(ast.parse(text))
    return [Mutant(module, before, changed(text, *change)) for change in chosen]


def changes(text: str) -> list[tuple[int, int]]:
    """All that may be changed in a program: the number of a node, and of a change of it."""
    return [
        (number, change)
        for number, node in enumerate(_nodes(ast.parse(text)))
        for change, _ in enumerate(_changed(copy.deepcopy(node)))
    ]


def changed(text: str, number: int, change: int) -> str:
    """The program with one of its *changes* made."""
    tree = ast.parse(text)
    node = next(node for at, node in enumerate(_nodes(tree)) if at == number)
    next(itertools.islice(_changed(node), change, None))
    return ast.unparse(tree)


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those of decorators and annotations: a dataclass that is not frozen does the same."""
    yield tree
    for name, value in ast.iter_fields(tree):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and name not in ("decorator_list", "annotation", "returns"):
                yield from _nodes(child)


def _changed(node: ast.AST) -> Iterator[None]:
    """Changes *node* in one way after the other; each holds until the next is asked for."""
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in _TURNED:
            node.ops = [_TURNED[type(operator)]()]
            yield
        case ast.BoolOp():
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield
        case ast.UnaryOp(op=ast.Not()):
            node.op, node.operand = ast.Not(), ast.UnaryOp(ast.Not(), node.operand)
            yield
        case ast.BinOp() if type(node.op) in _OTHER_OPERATOR and not isinstance(node.left, ast.Constant):
            node.op = _OTHER_OPERATOR[type(node.op)]()
            yield
        case ast.If() | ast.IfExp():
            test = node.test
            for answer in (True, False):
                node.test = ast.Constant(answer)
                yield
            node.test = test
        case ast.comprehension(ifs=[_, *_]):
            node.ifs = []
            yield
        case ast.Constant(value=bool()):
            node.value = not node.value
            yield
        case ast.Constant(value=int()):
            node.value += 1
            yield
        case ast.Call(func=ast.Name(id=name)) if name in _OTHER_CALL and not node.keywords:
            node.func = ast.Name(_OTHER_CALL[name])
            yield
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=owner)))) if owner != "log":
            node.value = ast.Constant(None)
            yield


class Copies:
    """Copies of the working tree, each for one mutant at a time."""

    def __init__(self, folder: Path, number: int) -> None:
        self._free: SimpleQueue[Path] = SimpleQueue()
        listing = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        for place in range(number):
            for name in filter(None, listing.stdout.split("\0")):
                target = folder / str(place) / name
                target.parent.mkdir(parents=True, exist_ok=True)
                if (ROOT / name).is_file():
                    shutil.copy2(ROOT / name, target)
            self._free.put(folder / str(place))

    def notice(self, mutant: Mutant) -> bool:
        """Whether a test fails with *mutant*."""
        place = self._free.get()
        path = place / mutant.module
        text = path.read_text(encoding="utf-8")
        try:
            path.write_text(mutant.after, encoding="utf-8")
            return not all(_pass(place, tests) for tests in _tests_of(mutant.module))
        finally:
            path.write_text(text, encoding="utf-8")
            self._free.put(place)


def _tests_of(module: Path) -> Iterator[Sequence[str]]:
    """The module's own tests, then all that must notice."""
    own = Path("tests", *module.parts[1:-1], f"test_{module.name}")
    if (ROOT / own).exists():
        yield [str(own)]
    yield next(tests for place, tests in CORE.items() if module.is_relative_to(place))


def _pass(place: Path, tests: Sequence[str]) -> bool:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", FAST]
    try:
        done = subprocess.run([*command, *tests], cwd=place, capture_output=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def modules(names: Sequence[str]) -> list[Path]:
    """The modules of the core, or those below *names*."""
    wanted = [Path(name) for name in names or CORE]
    found = [path for name in wanted for path in ([name] if name.suffix else sorted((ROOT / name).rglob("*.py")))]
    return [path.relative_to(ROOT) if path.is_absolute() else path for path in found if path.name != "__init__.py"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=10, help="mutants of each module")
    parser.add_argument("--seed", type=int, default=1, help="which of all mutants are taken")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="for instance secretsync/plan/waves.py")
    asked = parser.parse_args()
    chosen = [mutant for module in modules(asked.modules) for mutant in sample(module, asked.count, asked.seed)]
    with tempfile.TemporaryDirectory(prefix="secretsync-mutants-") as folder, ThreadPoolExecutor(JOBS) as pool:
        copies = Copies(Path(folder), JOBS)
        survivors = 0
        for mutant, noticed in zip(chosen, pool.map(copies.notice, chosen), strict=True):
            survivors += not noticed
            print("." if noticed else f"\nSURVIVES {mutant}\n", end="", flush=True)
    print(f"\n{len(chosen) - survivors} of {len(chosen)} mutants were noticed, {survivors} survive")


if __name__ == "__main__":
    main()
