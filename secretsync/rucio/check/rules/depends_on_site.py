"""depends-on-site: Importing the package depends on what a site may not have."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator, Mapping

from secretsync.rucio.check.dotted import dotted
from secretsync.rucio.check.finding import Finding, Severity
from secretsync.rucio.check.import_time import Running, at_import
from secretsync.rucio.check.package import Package
from secretsync.rucio.check.rules import failing
from secretsync.rucio.check.rules.rule import Rule, Setting

_ALWAYS_SET = frozenset({"PATH", "HOME", "HOSTNAME", "PYTHONPATH", "PWD"})
_NETWORK = (
    "requests.get", "requests.post", "requests.put", "requests.head", "requests.request", "requests.delete",
    "urllib.request.urlopen", "urllib.request.urlretrieve", "urllib3.request", "socket.create_connection",
    "socket.gethostbyname", "socket.getaddrinfo", "httpx.get", "httpx.post",
)  # fmt: skip
_CONFIG = tuple(f"rucio.common.config.config_get{kind}" for kind in ("", "_int", "_float", "_bool", "_list"))
_RUCIO_NEEDS = frozenset({("common", "multi_vo"), ("database", "default"), ("policy", "permission")})


def find(rule: Rule, package: Package, setting: Setting) -> Iterator[Finding]:
    """What the import of the package needs and a site may lack: variables, the network, options of ``rucio.cfg``."""
    for running in at_import(package, setting.rucio):
        problem = (
            _variable(package, setting, running)
            or _unset_variable(package, setting, running)
            or _unusable_default(package, setting, running)
            or _network(package, running)
            or _program(package, running)
            or _option(package, running)
        )
        if problem and problem[3] in _set_by_itself(package, setting):
            continue
        if problem and not running.context.catches(problem[0]):
            error, cause, remedy, subject = problem
            yield rule.finding(
                running.module.path,
                getattr(running.node, "lineno", 0),
                f"{cause}: {failing.then(setting, running.start, error=error)}",
                remedy,
                about=subject,
                severity=Severity.WARNING if running.context.conditional or _may_be_there(error) else rule.severity,
            )


_Found = tuple[str, str, str, str]
"""The exception, the words about it, the remedy, and what it is about."""


def _variable(package: Package, setting: Setting, running: Running) -> _Found | None:
    node = running.node
    if not (isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load)):
        return None
    if dotted(node.value, package.aliases(running.module)) != "os.environ":
        return None
    name = running.value(package, node.slice)
    if not isinstance(name, str) or _is_set(setting, name):
        return None
    if running.context.conditional and _is_looked_for(running, name):
        return None
    cause = f"os.environ[{name!r}] raises KeyError where the pods do not set {name}"
    return "KeyError", cause, f"Use os.environ.get({name!r}, …), or set it in every pod", name


def _is_set(setting: Setting, name: str) -> bool:
    return name in _ALWAYS_SET | (setting.situation.environment or frozenset())


def _set_by_itself(package: Package, setting: Setting) -> frozenset[str]:
    """The variables that the package sets when it is imported."""
    return package.memoized(
        ("sets variables", setting.rucio.default_algorithms),
        lambda: frozenset(
            name for running in at_import(package, setting.rucio) for name in _sets(package, running) if name
        ),
    )


def _sets(package: Package, running: Running) -> Iterator[str]:
    aliases = package.aliases(running.module)
    match running.node:
        case ast.Subscript(value=holder, slice=key, ctx=ast.Store()) if dotted(holder, aliases) == "os.environ":
            keys = [running.value(package, key)]
        case ast.Call(func=callee, args=[key, _]) if dotted(callee, aliases) in ("os.environ.setdefault", "os.putenv"):
            keys = [running.value(package, key)]
        case ast.Call(func=callee, args=[table]) if dotted(callee, aliases) == "os.environ.update":
            value = running.value(package, table)
            keys = list(value) if isinstance(value, dict) else []
        case _:
            return
    yield from (key for key in keys if isinstance(key, str))


def _is_looked_for(running: Running, name: str) -> bool:
    """Whether the module asks ``"NAME" in os.environ``."""
    return any(
        isinstance(node, ast.Compare) and isinstance(node.left, ast.Constant) and node.left.value == name
        for node in running.module.nodes
    )


_WANT_TEXT = frozenset({
    "int", "float", "len", "list", "set", "tuple", "sorted", "json.loads", "pathlib.Path", "os.path.join",
    "os.path.exists", "os.listdir", "ast.literal_eval", "re.compile", "open", "sum", "dict",
})  # fmt: skip
"""What raises TypeError or its like when it is given None."""


def _unset_variable(package: Package, setting: Setting, running: Running) -> _Found | None:
    """``int(os.getenv("X"))`` and ``os.environ.get("X").split()``: None where the pods do not set the variable."""
    match running.node:
        case ast.Call(func=ast.Name() | ast.Attribute() as callee, args=[name_node, *_]):
            needs_text = (dotted(callee, package.aliases(running.module)) or ast.unparse(callee)) in _WANT_TEXT
            error = "TypeError"
        case ast.Attribute(value=name_node, ctx=ast.Load(), attr=attribute):
            needs_text, error = not hasattr(None, attribute), "AttributeError"
        case ast.Subscript(value=name_node, ctx=ast.Load()):
            needs_text, error = True, "TypeError"
        case ast.BinOp(left=ast.Constant(value=str()), op=ast.Add(), right=name_node):
            needs_text, error = True, "TypeError"
        case ast.BinOp(left=name_node, op=ast.Add()):
            needs_text, error = True, "TypeError"
        case _:
            return None
    name = _may_be_unset(package, running, name_node) if needs_text else ""
    if not name or _is_set(setting, name) or _is_looked_for(running, name):
        return None
    cause = f"{ast.unparse(running.node)[:60]} raises {error} where the pods do not set {name}"
    return error, cause, f"Give a default, os.environ.get({name!r}, …), or set it in every pod", name


_READS: Mapping[str, Callable[[str], object]] = {"int": int, "float": float, "json.loads": json.loads}


def _unusable_default(package: Package, setting: Setting, running: Running) -> _Found | None:
    """``int(os.environ.get("X", ""))``: a default that cannot be read as what is wanted."""
    aliases = package.aliases(running.module)
    match running.node:
        case ast.Call(func=callee, args=[ast.Call(func=inner, args=[name_node, default_node])]) if dotted(
            inner, aliases
        ) in ("os.getenv", "os.environ.get"):
            read = _READS.get(dotted(callee, aliases) or ast.unparse(callee))
            name, default = running.value(package, name_node), running.value(package, default_node)
        case _:
            return None
    if not read or not isinstance(name, str) or not isinstance(default, str) or _is_set(setting, name):
        return None
    try:
        read(default)
    except ValueError:
        cause = f"{ast.unparse(running.node)[:60]} raises ValueError where the pods do not set {name}"
        return "ValueError", cause, f"Give a default that {ast.unparse(callee)} can read, or set it in every pod", name
    return None


def _may_be_unset(package: Package, running: Running, expression: ast.expr) -> str:
    """The variable that the expression reads without a default, at once or by a name that is bound once."""
    if isinstance(expression, ast.Name) and running.module.binds.get(expression.id) == 1:
        assigned = running.module.assigned.get(expression.id)
        # what is asked before it is used is None only where the code says so
        is_guarded = running.context.conditional or expression.id in running.module.tested
        return _may_be_unset(package, running, assigned) if assigned and not is_guarded else ""
    match expression:
        case ast.Call(func=callee, args=[name_node], keywords=[]) if dotted(
            callee, package.aliases(running.module)
        ) in (
            "os.getenv",
            "os.environ.get",
        ):
            name = running.value(package, name_node)
            return name if isinstance(name, str) else ""
    return ""


def _network(package: Package, running: Running) -> _Found | None:
    if not isinstance(running.node, ast.Call):
        return None
    name = dotted(running.node.func, package.aliases(running.module))
    if name not in _NETWORK:
        return None
    cause = f"{name} needs the network while Rucio starts; where the other side does not answer, it raises or hangs"
    return "ConnectionError", cause, "Ask when the answer is needed, and have a default", name


_PROGRAMS = ("subprocess.check_output", "subprocess.check_call")


def _program(package: Package, running: Running) -> _Found | None:
    """A program that is started and must end well: the images have few."""
    match running.node:
        case ast.Call(func=callee, keywords=keywords):
            name = dotted(callee, package.aliases(running.module))
            checks = any(keyword.arg == "check" and _is_true(keyword.value) for keyword in keywords)
            if name in _PROGRAMS or (name == "subprocess.run" and checks):
                cause = f"{name} starts a program while Rucio starts; where the image does not have it, it raises"
                return "CalledProcessError", cause, "Do without the program, or catch what it raises", name
    return None


def _is_true(expression: ast.expr) -> bool:
    return isinstance(expression, ast.Constant) and expression.value is True


def _may_be_there(error: str) -> bool:
    """Which programs an image has is not recorded."""
    return error == "CalledProcessError"


def _option(package: Package, running: Running) -> _Found | None:
    if not isinstance(running.node, ast.Call):
        return None
    call = running.node
    if not _reads_option(package, running, call) or len(call.args) < 2 or _has_default(call):
        return None
    section, option = (running.value(package, argument) for argument in call.args[:2])
    if not isinstance(section, str) or not isinstance(option, str) or (section, option) in _RUCIO_NEEDS:
        return None
    cause = f"config_get raises NoOptionError or NoSectionError where rucio.cfg has no [{section}] {option}"
    return "NoOptionError", cause, "Give it a default, as in config_get(…, raise_exception=False, default=…)", option


def _reads_option(package: Package, running: Running, call: ast.Call) -> bool:
    """``config_get(section, option)``, or the same of the parser that get_config() gives."""
    aliases = package.aliases(running.module)
    match call.func:
        case ast.Attribute(value=ast.Call(func=inner), attr="get" | "getint" | "getfloat" | "getboolean"):
            return dotted(inner, aliases) == "rucio.common.config.get_config"
    return dotted(call.func, aliases) in _CONFIG


def _has_default(call: ast.Call) -> bool:
    named = ("default", "raise_exception", "fallback", None)
    return len(call.args) > 2 or any(keyword.arg in named for keyword in call.keywords)


RULE = Rule(
    "depends-on-site",
    Severity.ERROR,
    "Importing the package depends on what a site may not have",
    "A variable of the environment (os.environ[…]), an option of rucio.cfg without a default and the network are not "
    "the package's: where one is missing, importing the package raises KeyError, NoOptionError or a connection error, "
    "and Rucio's process dies. A variable that all pods are known to set is no fault. Lower this rule, with a reason, "
    "for a site that grants the rest.",
    find,
)
