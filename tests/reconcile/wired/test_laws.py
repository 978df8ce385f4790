"""Whatever happens in whatever order: no template is left without its Secrets, and in the end all is as it should."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secretsync.core.pod_references import pod_template, secrets_referenced
from secretsync.operations import releases
from secretsync.reconcile.reconciler import preview
from tests.reconcile.test_reconciler import Died
from tests.reconcile.wired.site import WiredSite, die_at_write, names_that_can_be_found

pytestmark = pytest.mark.slow


events = st.one_of(
    st.tuples(st.just("push"), st.sampled_from(["1", "2", "3"])),
    st.tuples(st.just("sync"), st.just("")),
    st.tuples(st.just("die"), st.integers(1, 9)),
    st.tuples(st.just("put back"), st.integers(0, 9)),
    st.tuples(st.just("wire"), st.booleans()),
    st.tuples(st.just("select"), st.booleans()),
    st.tuples(st.just("forget"), st.just("")),
)


def happens(site: WiredSite, event: str, what: object) -> None:
    match event, what:
        case "push", str(text):
            site.source.push(init=text, **({"sub__a": "x"} if text == "2" else {}))
        case "sync", _:
            sync(site)
        case "die", int(number):
            die_at_write(site, number)
            with contextlib.suppress(Died):
                site.sync()
            site.live_on()
        case "put back", int(number) if site.cluster.others:
            site.put_back(site.cluster.others[number % len(site.cluster.others)])
        case "wire", bool(wire):
            site.switch(wire=wire)
        case "select", bool(selected):
            site.workload("judge").manifest["metadata"]["labels"] = {"rucio": "yes"} if selected else {}
        case "forget", _:
            site.cluster.others = site.cluster.others[-1:]


def sync(site: WiredSite) -> None:
    """A pass; it fails only where somebody took our wiring out of a template a second time."""
    report = site.sync()
    assert not report.failed or "was stripped again" in report.failure
    site.remember_revision()


def sync_well(site: WiredSite) -> None:
    assert not site.sync().failed
    site.remember_revision()


def referred(site: WiredSite) -> set[str]:
    """All Secrets that a template needs, live or in the history."""
    manifests = [one.manifest for one in site.cluster.live_workloads.values()] + site.cluster.others
    return {name for one in manifests for name in secrets_referenced(pod_template(one))}


@settings(max_examples=60, deadline=None)
@given(st.lists(events, max_size=14))
def test_after_anything_every_template_has_its_secrets_and_a_resume_brings_what_the_source_holds(
    history: list[tuple[str, object]],
) -> None:
    site = WiredSite("server", "judge")
    site.remember_revision()
    sync(site)
    for event, what in history:
        happens(site, event, what)
        assert referred(site) <= site.cluster.secrets.keys()
    site.switch(wire=True)
    happens(site, "select", what=True)
    sync(site)
    releases.resume(site.destination, site.destination.deliveries[0])
    sync_well(site)
    assert preview(site.destination).plan.idle
    for name in ("server", "judge"):
        assert site.content(name)["init.py"] == site.source.files[0].data
    assert site.cluster.secrets.keys() <= names_that_can_be_found(site)

    site.switch(wire=False)
    sync_well(site)
    assert site.mounted("server") == site.mounted("judge") == set()
    assert preview(site.destination).plan.idle
