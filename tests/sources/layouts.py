"""The layouts that real policy packages have, built in miniature; and trees as git repositories."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

TEMPLATE = {"__init__.py": "", "README.md": "# x", "LICENSE": "Apache", "pyproject.toml": "[project]\nname='x'\n"}
POLICY = {
    "__init__.py": "SUPPORTED_VERSION = ['41']\n",
    "permission.py": "def has_permission(): ...\n",
    "schema.py": "",
}


def below(directory: str, files: dict[str, str]) -> dict[str, str]:
    return {f"{directory}/{path}": text for path, text in files.items()}


@dataclass(frozen=True)
class Layout:
    """A tree, how it is asked for, and which of its files must come out under which names."""

    name: str
    module: str
    tree: dict[str, str]
    expected: dict[str, str]
    subdirectory: str = ""
    executable: tuple[str, ...] = ()
    links: dict[str, str] = field(default_factory=dict)


LAYOUTS = (
    Layout(
        "Rucio's template: src/<module> beside an empty __init__.py at the root",
        "my_policy",
        {**TEMPLATE, **below("src/my_policy", POLICY), "tests/test_x.py": ""},
        POLICY,
    ),
    Layout(
        "ET: the root's __init__.py has a docstring",
        "et_policy",
        {**TEMPLATE, "__init__.py": '"""ET."""\n', **below("src/et_policy", POLICY)},
        POLICY,
    ),
    Layout(
        "<module>/ at the root",
        "my_policy",
        {"README.md": "", "setup.py": "", **below("my_policy", {**POLICY, "README.md": "inside"})},
        {**POLICY, "README.md": "inside"},
    ),
    Layout(
        "CMS: a monorepo's subdirectory, a nested folder without __init__.py, two executable files",
        "CMSRucioPolicy",
        {
            "docker/Dockerfile": "",
            "src/python/tool/__init__.py": "",
            "src/policy/pyproject.toml": "[project]\nname='CMSRucioPolicy'\n",
            **below("src/policy/CMSRucioPolicy", {**POLICY, "algorithms/lfn2pfn.py": "", "algorithms/auto.py": "1"}),
        },
        {**POLICY, "algorithms/lfn2pfn.py": "", "algorithms/auto.py": "1"},
        subdirectory="src/policy",
        executable=("src/policy/CMSRucioPolicy/permission.py", "src/policy/CMSRucioPolicy/schema.py"),
    ),
    Layout(
        "CMS: found without being told the subdirectory",
        "CMSRucioPolicy",
        {"src/python/tool/__init__.py": "", **below("src/policy/CMSRucioPolicy", POLICY)},
        POLICY,
    ),
    Layout(
        "the subdirectory is the package itself",
        "CMSRucioPolicy",
        below("src/policy/CMSRucioPolicy", {**POLICY, "README.md": "inside"}),
        {**POLICY, "README.md": "inside"},
        subdirectory="src/policy/CMSRucioPolicy",
    ),
    Layout(
        "DUNE, MU2E: the repository's root is the package, with README, .github and test beside the modules",
        "dune_rucio_policy",
        {
            **POLICY,
            "README.md": "",
            "LICENSE": "",
            ".gitignore": "",
            ".github/workflows/ci.yml": "",
            "test/test_lfn.py": "",
            "lfn2pfn.py": "",
        },
        {**POLICY, "test/test_lfn.py": "", "lfn2pfn.py": ""},
    ),
    Layout(
        "Rubin: the root is the package, imported under another name",
        "rubin",
        {**POLICY, "algorithms/__init__.py": "", "pyproject.toml": "[project]\nname='rucio_policy'\n"},
        {**POLICY, "algorithms/__init__.py": ""},
    ),
    *(
        Layout(
            f"OPA demo: four packages in one repository, {module}",
            module,
            {path: text for name in ("a_opa", "b_opa", "c_opa", "d_opa") for path, text in below(name, POLICY).items()}
            | {f"{module}/only_here.py": module},
            {**POLICY, "only_here.py": module},
        )
        for module in ("a_opa", "d_opa")
    ),
    Layout(
        "nested and empty files, caches and egg-info",
        "bdms_rucio_policy",
        below(
            "src/bdms_rucio_policy",
            {
                **POLICY,
                "tests/__init__.py": "",
                "tests/resources/rucio.cfg": "[policy]\n",
                "__pycache__/a.cpython-39.pyc": "x",
                "tests/b.pyc": "x",
                "x.egg-info/PKG-INFO": "x",
            },
        ),
        {**POLICY, "tests/__init__.py": "", "tests/resources/rucio.cfg": "[policy]\n"},
    ),
    Layout(
        "symlinks to a file and to a directory of the same tree",
        "my_policy",
        {**below("my_policy", POLICY), "shared/common.py": "COMMON = 1\n", "shared/deep/x.py": "X\n"},
        {**POLICY, "common.py": "COMMON = 1\n", "deep/x.py": "X\n"},
        links={"my_policy/common.py": "../shared/common.py", "my_policy/deep": "../shared/deep"},
    ),
    Layout(
        "the module's directory is a symlink",
        "my_policy",
        below("lib/policy", POLICY),
        POLICY,
        links={"src/my_policy": "../lib/policy"},
    ),
)


def build(layout: Layout, folder: Path) -> Path:
    write(folder, layout.tree)
    for path, target in layout.links.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).symlink_to(target)
    for path in layout.executable:
        (folder / path).chmod(0o755)
    return folder


def write(folder: Path, tree: dict[str, str]) -> None:
    for path, text in tree.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def git(folder: Path, *arguments: str, **environment: str) -> str:
    """Run git by hand, as a developer would, with nobody's configuration."""
    hermetic = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.org",
        **environment,
    }
    done = subprocess.run(["git", *arguments], cwd=folder, env=hermetic, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit(folder: Path, message: str = "a change") -> str:
    """Commit all that lies in *folder*, which becomes a repository; the commit's id."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch=main")
        git(folder, "config", "uploadpack.allowFilter", "true")
        git(folder, "config", "commit.gpgSign", "false")
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")
