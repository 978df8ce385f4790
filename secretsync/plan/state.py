"""What secretsync remembers in the cluster between passes: never content, only names, numbers and verdicts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from secretsync.core.errors import SecretSyncError
from secretsync.core.foreign import read_json, reading
from secretsync.core.model import Secret
from secretsync.core.packing import INSTALLATION, MANAGED_BY, stamp_key

TYPE = "secretsync.rucio/state"
_KEY = "state.json"
_MOST = 10**11
"""The largest number that is remembered: of a revision, or of seconds since 1970."""


@dataclass(eq=False)
class UnreadableState(SecretSyncError):
    """The state object holds something else."""

    code = "unreadable_state"

    namespace: str
    name: str

    def __str__(self) -> str:
        return (
            f"Secret {self.namespace}/{self.name} is not a state object that secretsync can read: "
            "delete it, or give this installation another name (installation: …); "
            "without it, at worst every workload is restarted once more"
        )


@dataclass(frozen=True)
class Hold:
    """Why a package's source is not followed, and what shall be live instead.

    *kept* names the Secret whose bundle shall be live; where it is empty, what is live stays. *digest* and *revision*
    are those that were rejected: a new revision with other content ends such a hold. A hold by hand has neither.
    *by* says who made it, *since* when, in seconds since 1970; both are empty where that is not known. *restored* is
    the revision number that the bundle of a rollback had in the history; live it has a new one.
    """

    reason: str
    kept: str = ""
    digest: str = ""
    revision: str = ""
    by: str = ""
    since: int = 0
    restored: int = 0

    @property
    def by_hand(self) -> bool:
        """Whether somebody suspended it or rolled it back, and no failure did."""
        return not self.digest


@dataclass(frozen=True)
class ChangedWrite:
    """A write that the API stored otherwise: the *revision* and *recipe* of its files, a Secret, and its *fields*."""

    revision: str
    recipe: str
    secret: str
    fields: tuple[str, ...]

    def is_of(self, revision: str, recipe: str) -> bool:
        """Whether the same files would be written again."""
        return (self.revision, self.recipe) == (revision, recipe)


@dataclass(frozen=True)
class PackageState:
    """What is remembered of one package in one namespace.

    *secrets* are the names written and not yet deleted; *revision_number* is the newest; *finished* says whether the
    rollout of that revision was seen to its end; *restarts* tells which revision each workload was restarted for;
    *previous* names the Secret that holds what was live before it; *checked* tells what the check last saw.
    *rewired* are workloads that were restarted more than once for it, as when somebody stripped their wiring;
    *ailing* are the workloads that were not current before it; *outdated* are immutable Secrets of earlier revisions,
    which pods of an earlier revision may need. *digest* is that of the files that were written, and *kept* those of the
    bundles in the history, by their Secrets: what says so elsewhere than here may have been edited with the files.
    *description* is that of the annotations that were written with them; earlier releases remembered none.
    *mounting* are the workloads whose owners mounted it when a rollout ended: one that no longer does is named.
    *changed_write* is one that admission changed and that was put back: the same files are not written again.
    """

    secrets: tuple[str, ...] = ()
    revision_number: int = 0
    finished: bool = True
    restarts: Mapping[str, int] = field(default_factory=dict)
    previous: str = ""
    hold: Hold | None = None
    checked: str = ""
    ailing: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()
    digest: str = ""
    description: str = ""
    kept: Mapping[str, str] = field(default_factory=dict)
    rewired: tuple[str, ...] = ()
    mounting: tuple[str, ...] = ()
    changed_write: ChangedWrite | None = None

    def begun(
        self,
        secrets: tuple[str, ...],
        revision_number: int,
        hold: Hold | None = None,
        ailing: tuple[str, ...] = (),
        *,
        digest: str = "",
    ) -> PackageState:
        """A write begins: its names are remembered before the first of them is created."""
        names = tuple(sorted({*self.secrets, *secrets}))
        restarts = {workload: number for workload, number in self.restarts.items() if number == revision_number}
        # what a write brought down is not ailing when that very write goes on, or is undone
        goes_on = not self.finished and (revision_number == self.revision_number or hold is not None)
        ailing = self.ailing if goes_on else ailing
        return replace(
            self,
            secrets=names,
            revision_number=revision_number,
            finished=False,
            restarts=restarts,
            hold=hold,
            ailing=ailing,
            digest=digest,
            rewired=self.rewired if revision_number == self.revision_number else (),
            changed_write=None,
        )

    def restarted(self, workload: str) -> PackageState:
        """The state after *workload* was restarted for the newest revision; a second time counts it as rewired."""
        repeated = self.restarts.get(workload) == self.revision_number
        rewired = tuple(sorted({*self.rewired, workload})) if repeated else self.rewired
        return replace(self, restarts={**self.restarts, workload: self.revision_number}, rewired=rewired)

    def ended(
        self,
        secrets: tuple[str, ...],
        outdated: tuple[str, ...] = (),
        *,
        digest: str = "",
        description: str = "",
        mounting: tuple[str, ...] = (),
    ) -> PackageState:
        """The rollout came to its end; these are the Secrets that are left, and the workloads that mount them."""
        remaining, outdated = tuple(sorted(secrets)), tuple(sorted(outdated))
        return replace(
            self,
            secrets=remaining,
            outdated=outdated,
            finished=True,
            digest=digest,
            description=description,
            mounting=mounting,
        )

    def replaced(self, name: str, digest: str) -> PackageState:
        """The Secret *name* of the history keeps the bundle with *digest* from now on, to go back to."""
        return replace(self, previous=name, kept={**self.kept, name: digest})

    def put_back(self, previous: PackageState, changed: ChangedWrite) -> PackageState:
        """The write that began with this was *changed* by admission, and all is as it was *previous*."""
        return replace(previous, secrets=self.secrets, kept=self.kept, changed_write=changed)

    def is_as_written(self, digest: str) -> bool:
        """Whether files with *digest* are those that were written; while a rollout goes on, or those before them."""
        return digest == self.digest or (not self.finished and digest == self.kept.get(self.previous))

    def is_described(self, description: str) -> bool:
        """Whether the annotations are those that were written, as far as that is known."""
        return not self.finished or self.description in ("", description)

    def rejected(self, reason: str, digest: str, revision: str, *, kept: str = "") -> PackageState:
        """What has this digest is not to come again: what is *kept* shall be live, or stay live, instead."""
        kind, _, name = revision.partition(":")
        content = f"{kind} {name[:12]} (digest {digest[:12]})"
        return replace(self, hold=Hold(f"{content} was rejected: {reason}", kept, digest, revision))


@dataclass(frozen=True)
class Result:
    """What passes came to for a package, in a word and a fact, *since* the first that did, in seconds since 1970.

    *reason* says in a sentence why they fail; empty where they do not, and in states of earlier versions.
    """

    verdict: str
    since: int
    reason: str = ""


@dataclass(frozen=True)
class State:
    """The state object of one installation in one namespace; packages are known by their Secret's name."""

    packages: Mapping[str, PackageState] = field(default_factory=dict)
    results: Mapping[str, Result] = field(default_factory=dict)

    def of(self, secret: str) -> PackageState:
        """The state of the package whose Secret has that name; an empty one where nothing is remembered."""
        return self.packages.get(secret, PackageState())

    @property
    def ailing(self) -> frozenset[str]:
        """Workloads that say nothing about the packages: they were not current before."""
        return frozenset(name for package in self.packages.values() for name in package.ailing)

    def restarted(self, workload: str, annotations: Mapping[str, str]) -> State:
        """A workload was stamped with *annotations*: one restart for each package that they tell of."""
        packages = {
            secret: package.restarted(workload) if stamp_key(secret) in annotations else package
            for secret, package in self.packages.items()
        }
        return replace(self, packages=packages)

    def with_live(
        self, secret: str, names: tuple[str, ...], revision_number: int, digest: str, description: str
    ) -> State:
        """The Secrets called *names* hold a revision of a package, whether that was remembered or not."""
        package = self.of(secret)
        known = (package.digest, package.description) == (digest, description)
        if set(names) <= set(package.secrets) and known:
            return self
        all_names = tuple(sorted({*names, *package.secrets}))
        live = replace(
            package, secrets=all_names, revision_number=revision_number, digest=digest, description=description
        )
        return self.with_package(secret, live)

    def unwired(self, workload: str) -> State:
        """A workload got back what it was before us: when it is to be wired again, nobody has put it back."""
        packages = {
            secret: replace(package, restarts={name: at for name, at in package.restarts.items() if name != workload})
            for secret, package in self.packages.items()
        }
        return replace(self, packages=packages)

    def checked(self, keys: Mapping[str, str]) -> State:
        """The check has seen these, by the package's Secret."""
        return replace(
            self,
            packages={**self.packages, **{name: replace(self.of(name), checked=key) for name, key in keys.items()}},
        )

    def with_results(self, results: Mapping[str, Result]) -> State:
        """A pass came to these *results*; verdicts that are as they were keep their time."""
        results = {
            secret: replace(result, since=previous.since)
            if (previous := self.results.get(secret)) and previous.verdict == result.verdict
            else result
            for secret, result in results.items()
        }
        return replace(self, results={**self.results, **results})

    def with_package(self, secret: str, package: PackageState) -> State:
        """This state, with *package* as that of the Secret's name."""
        return replace(self, packages={**self.packages, secret: package})


def secret_name(installation: str) -> str:
    """The name of the Secret that holds the state of an installation."""
    return f"{installation}-state"


def to_secret(state: State, installation: str, namespace: str) -> Secret:
    """The Secret that stores *state* as JSON; `from_secret` reads it."""
    packages = {name: _as_stored(package) for name, package in state.packages.items()}
    text = json.dumps({**asdict(state), "packages": packages}, indent=1, sort_keys=True) + "\n"
    return Secret(
        namespace=namespace,
        name=secret_name(installation),
        data={_KEY: text.encode()},
        labels={MANAGED_BY: "secretsync", INSTALLATION: installation},
        type=TYPE,
    )


def from_secret(secret: Secret | None) -> State:
    """The inverse of to_secret; nothing is remembered where there is no Secret. Raises UnreadableState."""
    if secret is None:
        return State()
    unreadable = UnreadableState(secret.namespace, secret.name)
    with reading(lambda _: unreadable):
        stored = read_json(secret.data[_KEY], lambda _: unreadable)
        results = {name: _result(result) for name, result in stored.get("results", {}).items()}
        return State({name: _package(package) for name, package in stored["packages"].items()}, results)


def _as_stored(package: PackageState) -> dict[str, Any]:
    """The revision number is called ``write`` there, as it was in the first state objects."""
    stored = asdict(package)
    number = stored.pop("revision_number")
    return {**stored, "write": number}


def _result(stored: Mapping[str, Any]) -> Result:
    return Result(_text(stored["verdict"]), _number(stored["since"]), _text(stored.get("reason", "")))


def _package(stored: Mapping[str, Any]) -> PackageState:
    return PackageState(
        secrets=_texts(stored.get("secrets", ())),
        revision_number=_number(stored["write"]),
        finished=bool(stored.get("finished", True)),
        restarts={_text(name): _number(number) for name, number in stored.get("restarts", {}).items()},
        previous=_text(stored.get("previous", "")),
        hold=_hold(stored["hold"]) if stored.get("hold") else None,
        checked=_text(stored.get("checked", "")),
        ailing=_texts(stored.get("ailing", ())),
        outdated=_texts(stored.get("outdated", ())),
        rewired=_texts(stored.get("rewired", ())),
        mounting=_texts(stored.get("mounting", ())),
        digest=_text(stored.get("digest", "")),
        description=_text(stored.get("description", "")),
        kept={_text(name): _text(digest) for name, digest in stored.get("kept", {}).items()},
        changed_write=_changed_write(stored["changed_write"]) if stored.get("changed_write") else None,
    )


def _hold(stored: Mapping[str, Any]) -> Hold:
    texts = {name: _text(stored.get(name, "")) for name in ("reason", "kept", "digest", "revision", "by")}
    return Hold(**texts, since=_number(stored.get("since", 0)), restored=_number(stored.get("restored", 0)))


def _changed_write(stored: Mapping[str, Any]) -> ChangedWrite:
    texts = {name: _text(stored[name]) for name in ("revision", "recipe", "secret")}
    return ChangedWrite(**texts, fields=_texts(stored["fields"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise TypeError(value)
    return tuple(map(_text, value))


def _number(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value <= _MOST:
        raise ValueError(value)
    return value
