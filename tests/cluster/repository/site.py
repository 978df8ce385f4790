"""A site's repository with values of Rucio's charts, a policy package beside it, and secretsync's passes over both."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from secretsync import config
from secretsync.cli.apply import request_description
from secretsync.reconcile import factory
from secretsync.reconcile.destination import Report
from secretsync.reconcile.reconciler import preview, sync

MODULE = "site_policy"
VALUES = """\
# the daemons of our site
conveyorFinisher:   {replicas: 1}   # one is enough
secretMounts:
  - volumeName: gridca
    secretFullName: ca
    mountPath: /etc/grid-security
"""
SOUND = "def has_permission(issuer, action, kwargs, *, session=None):\n    return None\n"


def git(folder: Path, *arguments: str) -> str:
    settings = ("user.name=Colleague", "user.email=colleague@example.org", "core.autocrlf=false")
    options = [option for setting in settings for option in ("-c", setting)]
    run = subprocess.run(["git", *options, *arguments], cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    return run.stdout.strip()


class Site:
    """*bare* is the repository that a GitOps tool applies; *work* is a colleague's clone of it."""

    def __init__(self, folder: Path, url: str = "", **cluster: Any) -> None:
        self.folder, self.bare, self.work = folder, folder / "served" / "site" / "flux.git", folder / "work"
        self.bare.parent.mkdir(parents=True)
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))
        git(folder, "clone", "--quiet", str(self.bare), str(self.work))
        self.commit({"apps/daemons.yaml": VALUES, "README.md": "ours\r\n"})
        self.package({"__init__.py": 'SUPPORTED_VERSION = ">=37"\n', "permission.py": SOUND})
        self.requirement = "./policy"
        self.check: Mapping[str, Any] = {}
        self.cache = "cache"
        self._cluster = {
            "repository": f"git+{url or self.bare.as_uri()}@main",
            "directory": "clusters/production",
            "values": [{"file": "apps/daemons.yaml", "chart": "daemons"}],
            "propose": "push",
            **cluster,
        }

    def commit(self, files: Mapping[str, str | None], branch: str = "main") -> str:
        git(self.work, "fetch", "--quiet", "origin")
        there = git(self.work, "branch", "--remotes", "--list", f"origin/{branch}")
        if there:
            git(self.work, "checkout", "--quiet", "-B", branch, f"origin/{branch}")
        for name, text in files.items():
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode()) if text is not None else path.unlink()
        git(self.work, "add", "--all")
        git(self.work, "commit", "--quiet", "--message", "A colleague's change")
        git(self.work, "push", "--quiet", "origin", f"HEAD:{branch}")
        return git(self.work, "rev-parse", "HEAD")

    def package(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / "policy" / MODULE / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def head(self, branch: str = "main") -> str:
        return git(self.bare, "rev-parse", "--verify", "--quiet", branch)

    def branches(self) -> list[str]:
        return git(self.bare, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()

    def show(self, path: str, branch: str = "main") -> str:
        run = subprocess.run(["git", "show", f"{branch}:{path}"], cwd=self.bare, check=True, stdout=subprocess.PIPE)
        return run.stdout.decode()

    def files(self, branch: str = "main") -> list[str]:
        return git(self.bare, "ls-tree", "-r", "--name-only", branch).splitlines()

    def merge(self, branch: str) -> None:
        git(self.work, "fetch", "--quiet", "origin")
        git(self.work, "checkout", "--quiet", "-B", "main", "origin/main")
        git(self.work, "merge", "--quiet", "--no-ff", "--no-edit", f"origin/{branch}")
        git(self.work, "push", "--quiet", "origin", "main")

    @property
    def configuration(self) -> config.Config:
        told = {
            "cache": self.cache,
            "packages": [{"moduleName": MODULE, "requirement": self.requirement, "check": dict(self.check)}],
            "targets": [{"cluster": self._cluster, "namespace": "rucio"}],
        }
        return config.parse(told, self.folder / "secretsync.yaml")

    def sync(self) -> Report:
        (destination,) = factory.destinations(self.configuration, self.folder)
        return sync(replace(destination, describe=request_description))

    def preview(self) -> Report:
        (destination,) = factory.destinations(self.configuration, self.folder)
        return preview(destination)
