from __future__ import annotations

from collections.abc import Iterator

from secretsync.rucio.check.algorithms import registry
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.reach import failures_of
from secretsync.rucio.check.rules import failing
from secretsync.rucio.check.rules.live import loaded
from secretsync.rucio.check.rules.rule import Rule, Setting


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    for name in sorted(loaded(package, setting.rucio)):
        module = package.get(name)
        for one in package.imports(module) if module else ():
            if module and one.around.function and (name, one.around.function) != registry(package):
                for failure in failures_of(package, setting.rucio, setting.images, module, one):
                    call = f"Rucio's call of {one.around.function}()"
                    effect = f"{failing.cause(failure)}: {call} fails when it comes to this line"
                    yield rule.finding(
                        module.path, one.line, effect, failing.remedy(package, failure), about=failure.missing
                    )


RULE = Rule(
    "late-import",
    Severity.WARNING,
    "An import inside a function cannot succeed",
    "Such an import runs when the function is called: Rucio loads the package, and the call fails later, with an "
    "error 500 of the server or a daemon that stumbles. Whether it is ever called cannot be told from the source, "
    "hence a warning.",
    find,
)
