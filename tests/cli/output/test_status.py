"""Status as a table: what its columns count."""

from __future__ import annotations

import json

from secretsync.cli.output import json as json_format
from secretsync.cli.output.status import StatusReport, describe_status, status_text
from secretsync.operations.status import status
from tests.cli.output.sessions import NOW
from tests.reconcile.test_reconciler import Site


def miswired(site: Site, name: str) -> None:
    """Somebody takes a workload's PYTHONPATH away."""
    for ref, one in site.cluster.live_workloads.items():
        if ref.name == name:
            (container,) = one.template["spec"]["containers"]
            container["env"] = [entry for entry in container["env"] if entry["name"] != "PYTHONPATH"]


def test_a_workload_that_does_not_load_the_package_is_not_counted_among_those_that_run_it() -> None:
    site = Site("server", "judge")
    site.sync()
    miswired(site, "judge")
    report = StatusReport(time=NOW, targets=(describe_status("production", status(site.destination)),))
    row = status_text(report).splitlines()[2]
    assert "not in force" in row
    assert "1/2" in row
    (package,) = json.loads(json_format.render(report))["targets"][0]["packages"]
    assert [one["name"] for one in package["workloads_not_in_force"]] == ["judge"]


def test_a_workload_whose_configuration_is_in_a_secret_is_said_to_be_unknown() -> None:
    site = Site("server", "judge")
    site.sync()
    for ref, one in site.cluster.live_workloads.items():
        if ref.name == "judge":
            (container,) = one.template["spec"]["containers"]
            container["env"] = [entry for entry in container["env"] if entry["name"] == "PYTHONPATH"]
            container["volumeMounts"].append(
                {"name": "cfg", "mountPath": "/opt/rucio/etc/rucio.cfg", "subPath": "rucio.cfg"}
            )
            one.template["spec"]["volumes"].append({"name": "cfg", "secret": {"secretName": "rucio-cfg"}})
    report = StatusReport(time=NOW, targets=(describe_status("production", status(site.destination)),))
    text = " ".join(status_text(report).split())
    assert "not known whether Rucio loads it in Deployment judge: a Secret, a ConfigMap or the image decides" in text
    assert "Deployment server" not in text
