"""Rules of Roles: what they allow, what they lack, and what they allow beyond need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from secretsync.core.model import Manifest


@dataclass(frozen=True)
class Need:
    """One rule of a Role, and *reason* it is needed; without *names* it holds for objects of any name."""

    reason: str
    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()

    def rule(self) -> Manifest:
        """As a Role has it."""
        rule: Manifest = {"apiGroups": [self.group], "resources": list(self.resources), "verbs": list(self.verbs)}
        return {**rule, "resourceNames": list(self.names)} if self.names else rule


@dataclass(frozen=True)
class Access:
    """One thing that somebody may do, or not; *name* is empty where it is about objects of any name."""

    verb: str
    group: str
    resource: str
    name: str = ""

    def __str__(self) -> str:
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.verb} {resource}{f' {self.name}' if self.name else ''}"


@dataclass(frozen=True)
class Review:
    """What the API says that this account may do in a namespace; *complete* when that is all, *time* is its clock's."""

    rules: tuple[Manifest, ...]
    complete: bool
    time: datetime | None


def missing(needs: Sequence[Need], granted: Sequence[Manifest]) -> tuple[Access, ...]:
    """What of *needs* no rule of *granted* allows; rules as Roles and SelfSubjectRulesReviews have them."""
    return tuple(
        access for need in needs for access in _accesses(need) if not any(_allows(rule, access) for rule in granted)
    )


def may(review: Review | None, access: Access) -> bool:
    """Whether a call may succeed: for certain not, where the API told all rules and none of them allows it."""
    return review is None or not review.complete or any(_allows(rule, access) for rule in review.rules)


@dataclass(frozen=True)
class Accesses:
    """Several accesses to one resource that are the same for each of *names*; empty for objects of any name."""

    verbs: tuple[str, ...]
    resource: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(filter(None, (", ".join(self.verbs), self.resource, ", ".join(self.names))))


def grouped(accesses: Sequence[Access]) -> tuple[Accesses, ...]:
    """*accesses* with what belongs together once: by resource, then those that want the same verbs."""
    verbs: dict[tuple[str, str], list[str]] = {}
    for access in accesses:
        resource = f"{access.resource}.{access.group}" if access.group else access.resource
        verbs.setdefault((resource, access.name), []).append(access.verb)
    names: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (resource, name), needed_verbs in verbs.items():
        names.setdefault((resource, tuple(needed_verbs)), []).append(name)
    return tuple(Accesses(verbs, resource, tuple(filter(None, names))) for (resource, verbs), names in names.items())


def summarize(accesses: Sequence[Access]) -> str:
    """``create leases.coordination.k8s.io; get, update secrets atlas, atlas-sub``."""
    return "; ".join(map(str, grouped(accesses)))


def surplus(needs: Sequence[Need], granted: Sequence[Manifest]) -> tuple[Access, ...]:
    """What *granted* allows with Secrets, or in pods, that nothing of *needs* asks for: what a thief would like."""
    rules = [need.rule() for need in needs]
    tempting = [Access(verb, "", "secrets") for verb in ("get", "list", "watch", "update", "patch", "delete")]
    tempting += [Access("create", "", "pods"), Access("create", "", "pods/exec")]
    return tuple(
        access
        for access in tempting
        if any(_allows(rule, access) for rule in granted) and not any(_allows(rule, access) for rule in rules)
    )


def _accesses(need: Need) -> Iterator[Access]:
    for resource in need.resources:
        for verb in need.verbs:
            for name in need.names or ("",):
                yield Access(verb, need.group, resource, name)


def _allows(rule: Manifest, access: Access) -> bool:
    """As RBAC reads a rule (https://kubernetes.io/docs/reference/access-authn-authz/rbac/)."""
    names = rule.get("resourceNames") or ()
    return (
        _contains(rule.get("verbs"), access.verb)
        and _contains(rule.get("apiGroups"), access.group)
        and (
            _contains(rule.get("resources"), access.resource)
            or f"*/{access.resource.partition('/')[2]}" in (rule.get("resources") or ())
        )
        and (not names or access.name in names)
    )


def _contains(granted: Sequence[str] | None, value: str) -> bool:
    return "*" in (granted or ()) or value in (granted or ())
