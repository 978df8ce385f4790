"""Recorded terminal sessions: what an operator reads, at two widths, with colors and without.

``PYTHONPATH=. python -m tests.cli.output.sessions`` writes the files anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from secretsync.cli.output import doctor, releases, text
from secretsync.cli.output import status as status_output
from secretsync.cli.output.describe import describe
from secretsync.cli.output.report import Report
from secretsync.cli.output.status_text import status_text
from secretsync.cli.output.style import Style
from secretsync.config.check import Check
from secretsync.core.model import Revision
from secretsync.operations import releases as by_hand
from secretsync.operations.doctor.footing import Remark
from secretsync.operations.status import status
from secretsync.reconcile.all_targets import Outcome
from secretsync.reconcile.destination import Clock
from tests.operations.doctor.namespace import Namespace, with_variable, without_mount
from tests.reconcile.test_reconciler import Broken, Site

FOLDER = Path(__file__).parent / "sessions"
NOW = datetime(2026, 1, 3, 9, 30, tzinfo=UTC)
STYLES = {
    "80": Style(80),
    "80-color": Style(80, color=True),
    "120": Style(120),
    "120-color": Style(120, color=True),
}
_INIT = "SUPPORTED_VERSION = '>=37'\n"
_SCHEMA = "SCHEMAS = {}\n\n\ndef validate_schema(name, obj, vo='def'):\n    return None\n"
_PERMISSION = """\
def has_permission(issuer, action, kwargs, *, session=None):
    perm = {{'add_rule': perm_add_rule}}
    return perm.get(action, perm_add_rule)(issuer, kwargs, session=session)


def perm_add_rule(issuer, kwargs, *, session=None):
    return issuer.external == {allowed!r}
"""
_MANY = ("server", "ui", *(f"daemon-{number:02}" for number in range(8)))


def _site() -> Site:
    """Ten workloads run the first version; the second is what the source has now."""
    site = Site(*_MANY)
    deliveries = [replace(one, check=Check()) for one in site.destination.deliveries]
    site.destination = replace(site.destination, name="production", deliveries=deliveries)
    _push(site, "alice", "3f2a91c0d4e5", "Alice decides on rules")
    return site


def _push(site: Site, allowed: str, commit: str, subject: str) -> None:
    site.source.push(__init__=_INIT, permission=_PERMISSION.format(allowed=allowed), schema=_SCHEMA)
    site.source.commit = Revision("https://git.example.org/policy", "main", f"commit:{commit:0<40}", subject=subject)


def _deployed() -> Site:
    site = _site()
    site.sync()
    _push(site, "bob", "77d0c1b2a3f4", "Bob decides on rules")
    return site


def _plan(*, texts: bool = False) -> Report:
    site = _deployed()
    return describe([Outcome(site.destination, site.preview())], "plan", dry_run=True, texts=texts, now=NOW)


def _apply() -> Report:
    site = _deployed()
    return describe([Outcome(site.destination, site.sync())], "apply", now=NOW)


def _rolled_back() -> Report:
    site = _deployed()
    _push(site, "nothing", "77d0c1b2a3f4", "Nobody decides on rules")
    site.cluster.__class__ = Broken
    site.cluster.words = "ModuleNotFoundError: No module named 'nothing'"
    return describe([Outcome(site.destination, site.sync())], "apply", now=NOW)


def _refused() -> Report:
    site = _deployed()
    site.source.push(__init__=_INIT, permission="def has_permission(:\n", schema=_SCHEMA)
    site.source.commit = Revision("https://git.example.org/policy", "main", f"commit:{'5e' * 20}")
    return describe([Outcome(site.destination, site.sync())], "apply", now=NOW)


def _status() -> status_output.StatusReport:
    site = _deployed()
    site.sync()
    (delivery,) = site.destination.deliveries
    clock = Clock(lambda: site.time, site._sleep, lambda: site.utc)
    by_hand.suspend(site.destination, delivery, "data taking", clock, by="ddm@ops")
    found = status_output.describe_status("production", status(site.destination))
    return status_output.StatusReport(time=NOW, targets=(found,))


def _history() -> releases.HistoryReport:
    site = _deployed()
    site.sync()
    (delivery,) = site.destination.deliveries
    found = map(releases.describe_revision, by_hand.revisions(site.destination, delivery))
    return releases.HistoryReport(time=NOW, target="production", module="atlas_rucio_policy", revisions=tuple(found))


def _doctor() -> doctor.DoctorReport:
    site = Namespace()
    site.change(without_mount("atlas-algorithms"))
    for name in ("rucio-server", "rucio-daemon-01"):
        site.change(with_variable("PYTHONPATH", "/opt"), name)
    remark = Remark("this machine's clock is 31 s off the cluster's: set it")
    return doctor.DoctorReport(targets=(doctor.describe_doctor("production", site.examination(), [remark]),))


SESSIONS: Mapping[str, Callable[[Style], str]] = {
    "plan": lambda style: text.render(_plan(), style),
    "plan-diff": lambda style: text.render(_plan(texts=True), style),
    "apply": lambda style: text.render(_apply(), style),
    "rolled-back": lambda style: text.render(_rolled_back(), style),
    "refused": lambda style: text.render(_refused(), style),
    "status": lambda style: status_text(_status(), style),
    "history": lambda style: releases.history_text(_history(), style),
    "doctor": lambda style: doctor.render(_doctor(), style),
}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, render in SESSIONS.items():
        for width, style in STYLES.items():
            (FOLDER / f"{name}-{width}.txt").write_text(render(style))
