"""other-name: the package imports itself under another name than moduleName."""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.reach import failures_of
from secretsync.rucio.check.rules import failing
from secretsync.rucio.check.rules.live import loaded
from secretsync.rucio.check.rules.rule import Rule, Setting


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """Imports of the package under another name than the one by which Rucio imports it."""
    for name in sorted(loaded(package, setting.rucio)):
        module = package.get(name)
        for imported in package.imports(module) if module else ():
            for failure in failures_of(package, setting.rucio, setting.images, module, imported) if module else ():
                if module and failing.is_own_name(package, failure):
                    top_level, _, rest = imported.name.partition(".")
                    yield rule.finding(
                        module.path,
                        imported.line,
                        f"Rucio imports the package as {package.name}, and here it imports itself as {top_level}: a "
                        "ModuleNotFoundError, which Rucio takes for a module that the package does not have",
                        f"Write 'from .{rest} import …', or {package.name}.{rest}",
                        about=top_level,
                    )


RULE = Rule(
    "other-name",
    Severity.ERROR,
    "The package imports itself under another name than moduleName",
    "Rucio imports the package by the name it is configured with, and no distribution is installed: an absolute "
    "import under any other name (that of the repository, or of before a renaming) raises ModuleNotFoundError, and "
    "Rucio falls back to its generic permissions or schema.",
    find,
)
