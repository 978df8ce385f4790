"""The chart, rendered by every Helm there is."""

from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts import chart_role
from scripts.chart_schema import renewed
from secretsync import config
from secretsync.core import packing
from secretsync.core.kinds import KINDS
from secretsync.core.model import Placement
from secretsync.operations import permissions
from tests import ROOT

pytestmark = pytest.mark.slow  # each case starts Helm

CHART = ROOT / "chart"
EARLIER = Path(__file__).parent / "earlier"
CONFIG: dict[str, Any] = yaml.safe_load((CHART / "ci" / "cronjob-values.yaml").read_text())["config"]


def run(helm: str, *arguments: str, values: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [helm, *arguments, "--values", "-"], input=yaml.safe_dump(values), capture_output=True, text=True, check=False
    )


def render(helm: str, *arguments: str, **values: Any) -> list[dict[str, Any]]:
    given = {"config": CONFIG, **values}
    told = run(helm, "template", "policy", str(CHART), "--namespace", "ops", *arguments, values=given)
    assert told.returncode == 0, told.stderr
    return [manifest for manifest in yaml.safe_load_all(told.stdout) if manifest]


def one(manifests: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [manifest for manifest in manifests if manifest["kind"] == kind]
    return found


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("mode", {"mode": "daemon"}),
    ("schedul", {"cronjob": {"schedul": "* * * * *"}}),
    ("schedule", {"cronjob": {"schedule": "every five minutes"}}),
    ("suspend", {"cronjob": {"suspend": "yes please"}}),
    ("backoffLimit", {"cronjob": {"backoffLimit": -1}}),
    ("startingDeadlineSeconds", {"cronjob": {"startingDeadlineSeconds": 5}}),
    ("pullPolicy", {"image": {"pullPolicy": "Sometimes"}}),
    ("digest", {"image": {"digest": "sha256:1234"}}),
    ("repositry", {"image": {"repositry": "example.org/secretsync"}}),
    ("replicas", {"replicas": 2}),
    ("replicas", {"deployment": {"replicas": 0}}),
    ("intervall", {"monitoring": {"podMonitor": {"intervall": "1m"}}}),
    ("secret", {"config": {**CONFIG, "webhook": {"port": 8081}}}),
    ("port", {"config": {**CONFIG, "health": {"port": 80800}}}),
    ("packages", {"config": {**CONFIG, "packages": []}}),
    ("targets", {"config": {**CONFIG, "targets": []}}),
    ("moduleName", {"config": {**CONFIG, "packages": [{"requirement": "a==1"}]}}),
    ("moduleName", {"config": {**CONFIG, "packages": [{"moduleName": "atlas-policy", "requirement": "a==1"}]}}),
    ("layout", {"config": {**CONFIG, "packages": [{**CONFIG["packages"][0], "layout": "tar"}]}}),
    ("secretname", {"config": {**CONFIG, "targets": [{**CONFIG["targets"][0], "secretname": "policy"}]}}),
    ("namespace", {"config": {**CONFIG, "targets": [{**CONFIG["targets"][0], "namespace": "Rucio"}]}}),
    ("interval", {"config": {**CONFIG, "interval": "5 minutes"}}),
    ("after", {"config": {**CONFIG, "targets": [{**CONFIG["targets"][0], "after": {"target": "a", "four": "1h"}}]}}),
    ("notify", {"config": {**CONFIG, "notify": [{"slack": {"url": "https://hooks.example.org/T0"}}]}}),
    ("reason", {"config": {**CONFIG, "notify": [{"webhook": {"url": "https://x"}, "reason": ["Applied"]}]}}),
    ("pushgateway", {"config": {**CONFIG, "pushgateway": "https://push.example.org"}}),
    ("credentials", {"credentials": [{"secretName": "token"}]}),
    ("ports", {"networkPolicy": {"ports": [70000]}}),
    ("logFormat", {"logFormat": "xml"}),
    ("sizeLimit", {"cache": {"sizeLimit": "much"}}),
]


@pytest.mark.parametrize(("key", "values"), WRONG, ids=[f"{number}-{key}" for number, (key, _) in enumerate(WRONG)])
def test_a_wrong_value_fails_the_lint_with_a_line_that_names_its_key(
    helm: str, key: str, values: dict[str, Any]
) -> None:
    told = run(helm, "lint", str(CHART), values={"config": CONFIG, **values})
    assert told.returncode != 0
    assert any(key in line for line in (told.stdout + told.stderr).splitlines())


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        ({"context": "production"}, "the pod has no kubeconfig"),
        ({"inCluster": True, "context": "a"}, "a target is in one place, and these are given: inCluster, context"),
    ],
)
def test_a_target_that_no_pod_can_serve_is_refused_when_it_is_installed(
    helm: str, cluster: dict[str, Any], message: str
) -> None:
    config = {**CONFIG, "targets": [{"cluster": cluster, "namespace": "rucio"}]}
    done = run(helm, "template", "policy", str(CHART), values={"config": config})
    assert (done.returncode != 0, message in done.stderr) == (True, True)


@pytest.mark.parametrize("mode", ["cronjob", "deployment"])
def test_the_chart_passes_the_strict_lint_in_both_modes(helm: str, mode: str) -> None:
    told = run(helm, "lint", "--strict", str(CHART), values={"config": CONFIG, "mode": mode})
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize("values", sorted(CHART.glob("ci/*.yaml")), ids=lambda path: path.stem)
def test_the_chart_passes_the_strict_lint_with_every_set_of_values(helm: str, values: Path) -> None:
    told = run(helm, "lint", "--strict", str(CHART), values=yaml.safe_load(values.read_text()))
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize("values", sorted(EARLIER.glob("*.yaml")), ids=lambda path: path.stem)
@pytest.mark.parametrize("mode", ["cronjob", "deployment"])
def test_values_of_earlier_charts_are_still_taken(helm: str, values: Path, mode: str) -> None:
    told = run(helm, "lint", "--strict", str(CHART), values={**yaml.safe_load(values.read_text()), "mode": mode})
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize("mode", ["cronjob", "deployment"])
def test_the_configuration_in_the_config_map_is_one_that_secretsync_takes(helm: str, mode: str) -> None:
    text = one(render(helm, mode=mode), "ConfigMap")["data"]["secretsync.yaml"]
    assert config.parse(yaml.safe_load(text), Path("secretsync.yaml")).packages[0].version == "0.8.6"


def test_the_rules_for_workloads_are_those_that_the_script_writes() -> None:
    assert chart_role.TEMPLATE.read_text(encoding="utf-8") == chart_role.template(), "run 'make generated'"


def test_the_role_of_a_cluster_without_a_custom_kind_does_not_name_it(helm: str) -> None:
    rules = one(render(helm), "Role")["rules"]
    absent = {kind.group for kind in KINDS.values() if kind.optional}
    assert not absent & {group for rule in rules for group in rule["apiGroups"]}


@pytest.mark.parametrize(("canary", "wired"), [("auto", None), ("off", None), ("auto", True), ("auto", False)])
def test_the_role_is_the_one_that_secretsync_rbac_prints(helm: str, canary: str, wired: bool | None) -> None:
    """A target that says 'wire: false' ends its wiring, for which it needs the rights of one that is wired."""
    target = {**CONFIG["targets"][0], "rollout": {"canary": canary}, "selector": "app=rucio-server"}
    target |= {} if wired is None else {"wire": wired}
    told = {**CONFIG, "targets": [target]}
    has_all = [f"--api-versions={kind.api_version}/{kind.name}" for kind in KINDS.values() if kind.optional]
    rules = one(render(helm, *has_all, config=told), "Role")["rules"]
    read = config.parse(told, Path("secretsync.yaml"))
    assert read.targets[0].may_be_wired == (wired is not None)
    (package,) = read.packages
    secret = read.secret_name(package, read.targets[0])
    placement = Placement(read.installation, read.targets[0].namespace, secret, package.module_name)
    names = [packing.secret_name(placement, ""), packing.secret_name(placement, "algorithms")]
    secrets = permissions.secret_names_with_history(names, [secret], read.targets[0].rollout.history)
    wired_rights = read.targets[0].may_be_wired
    wanted = permissions.required_rules(read.installation, secrets, wired=wired_rights, proves=canary != "off")
    assert accesses(rules) == accesses([need.rule() for need in wanted])


def accesses(rules: list[dict[str, Any]]) -> set[tuple[str, str, str, str]]:
    """All that rules allow, however they are written down."""
    return {
        (group, resource, verb, name)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    }


def test_only_create_is_granted_on_secrets_of_any_name(helm: str) -> None:
    rules = one(render(helm), "Role")["rules"]
    anywhere = [rule["verbs"] for rule in rules if rule["resources"] == ["secrets"] and "resourceNames" not in rule]
    assert anywhere == [["create"]]


def test_secrets_that_are_named_by_their_digest_may_have_any_name_and_are_never_listed(helm: str) -> None:
    targets = [{**CONFIG["targets"][0], "wire": True, "selector": "app=rucio-server"}]
    rules = one(render(helm, config={**CONFIG, "targets": targets}), "Role")["rules"]
    anywhere = [rule["verbs"] for rule in rules if rule["resources"] == ["secrets"] and "resourceNames" not in rule]
    assert anywhere == [["create"], ["get", "update", "delete"]]


@pytest.mark.parametrize(("canary", "granted"), [("off", False), (False, False), ("auto", True), ("require", True)])
def test_jobs_may_be_created_only_where_packages_are_proven_first(helm: str, canary: str | bool, granted: bool) -> None:
    targets = [{**CONFIG["targets"][0], "rollout": {"canary": canary}}]
    rules = one(render(helm, config={**CONFIG, "targets": targets}), "Role")["rules"]
    assert any(rule["resources"] == ["jobs"] and "create" in rule["verbs"] for rule in rules) == granted


def test_a_target_reached_by_a_context_gets_no_role(helm: str) -> None:
    elsewhere = {
        "cluster": {"context": "testbed", "kubeconfig": "/credentials/site/config"},
        "namespace": "rucio",
        "secretName": "testbed-policy",
    }
    manifests = render(helm, config={**CONFIG, "targets": [*CONFIG["targets"], elsewhere]})
    assert len([manifest for manifest in manifests if manifest["kind"] == "Role"]) == 1


def test_the_jobs_are_not_repeated_for_what_would_fail_again(helm: str) -> None:
    job = one(render(helm), "CronJob")["spec"]
    assert job["concurrencyPolicy"] == "Forbid"
    rule = job["jobTemplate"]["spec"]["podFailurePolicy"]["rules"][-1]
    assert (rule["action"], rule["onExitCodes"]["values"]) == ("FailJob", [2, 4])


def test_there_is_one_writer_at_any_time(helm: str) -> None:
    spec = one(render(helm, mode="deployment"), "Deployment")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_the_pod_of_helm_test_is_none_of_the_deployments(helm: str) -> None:
    manifests = render(helm, mode="deployment")
    selected = one(manifests, "Deployment")["spec"]["selector"]["matchLabels"]
    assert not selected.items() <= one(manifests, "Pod")["metadata"]["labels"].items()


def test_the_selector_is_what_it_always_was_as_no_upgrade_may_change_it(helm: str) -> None:
    assert one(render(helm, mode="deployment"), "Deployment")["spec"]["selector"]["matchLabels"] == {
        "app.kubernetes.io/name": "secretsync",
        "app.kubernetes.io/instance": "policy",
        "app.kubernetes.io/component": "sync",
    }


def test_a_changed_configuration_starts_a_new_pod(helm: str) -> None:
    def checksum(interval: str) -> str:
        deployment = one(render(helm, mode="deployment", config={**CONFIG, "interval": interval}), "Deployment")
        return str(deployment["spec"]["template"]["metadata"]["annotations"]["checksum/config"])

    assert checksum("5m") != checksum("6m")


def test_credentials_and_trust_are_files_of_existing_objects(helm: str) -> None:
    pod = one(render(helm, mode="deployment", credentials=["token"], trust=["ca"]), "Deployment")["spec"]["template"]
    mounts = {mount["mountPath"]: mount["name"] for mount in pod["spec"]["containers"][0]["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    assert volumes[mounts["/credentials/token"]]["secret"]["secretName"] == "token"
    assert volumes[mounts["/trust/ca"]]["configMap"]["name"] == "ca"


WEBHOOK = {**CONFIG, "webhook": {"port": 8081, "secret": {"file": "/credentials/webhook/token"}}}


def container(manifests: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = one(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]
    return dict(found)


def parsed(manifests: list[dict[str, Any]]) -> config.Config:
    text = next(manifest for manifest in manifests if manifest["kind"] == "ConfigMap")["data"]["secretsync.yaml"]
    return config.parse(yaml.safe_load(text), Path("secretsync.yaml"))


def test_the_probes_ask_the_port_that_the_configuration_names(helm: str) -> None:
    manifests = render(helm, mode="deployment", config={**CONFIG, "health": {"port": 9090}})
    health, pod = parsed(manifests).health, container(manifests)
    assert health
    assert {port["name"]: port["containerPort"] for port in pod["ports"]} == {"health": health.port}
    assert pod["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "health"}
    assert pod["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "health"}


def test_a_cronjob_answers_nobody(helm: str) -> None:
    manifests = render(helm, config=WEBHOOK, networkPolicy={"enabled": True})
    assert not [manifest for manifest in manifests if manifest["kind"] == "Service"]
    assert not one(manifests, "NetworkPolicy")["spec"]["ingress"]
    assert parsed(manifests).health is None


def test_metrics_and_the_webhook_have_a_service_and_a_rule_each(helm: str) -> None:
    rules = {"enabled": True, "webhookFrom": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}
    manifests = render(helm, mode="deployment", config=WEBHOOK, networkPolicy=rules)
    services = {one["metadata"]["name"]: one["spec"]["ports"] for one in manifests if one["kind"] == "Service"}
    assert {name: ports[0]["targetPort"] for name, ports in services.items()} == {
        "policy-secretsync-metrics": "health",
        "policy-secretsync-webhook": "webhook",
    }
    let_in = {rule["ports"][0]["port"]: rule.get("from") for rule in one(manifests, "NetworkPolicy")["spec"]["ingress"]}
    assert let_in == {8080: None, 8081: [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}


def test_services_lead_to_the_deployments_pods_and_no_others(helm: str) -> None:
    manifests = render(helm, mode="deployment", config=WEBHOOK)
    pods = one(manifests, "Deployment")["spec"]["template"]["metadata"]["labels"]
    services = [one for one in manifests if one["kind"] == "Service"]
    assert services
    for service in services:
        assert service["spec"]["selector"].items() <= pods.items()
        assert not service["spec"]["selector"].items() <= one(manifests, "Pod")["metadata"]["labels"].items()


def test_several_replicas_agree_on_a_leader_and_may_hold_its_lease(helm: str) -> None:
    manifests = render(helm, mode="deployment", deployment={"replicas": 2})
    told = parsed(manifests)
    assert told.election
    assert told.election.namespace == "ops"
    (role,) = [one for one in manifests if one["kind"] == "Role" and one["metadata"]["name"].endswith("-election")]
    assert role["metadata"].get("namespace", "ops") == "ops"
    assert accesses(role["rules"]) == accesses([need.rule() for need in permissions.election_needs("secretsync")])
    assert [rule.get("resourceNames") for rule in role["rules"]] == [None, [f"{told.installation}-leader"]]
    assert one(manifests, "Deployment")["spec"]["strategy"]["type"] == "RollingUpdate"
    assert one(manifests, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


def test_one_replica_needs_no_lease_of_a_leader(helm: str) -> None:
    manifests = render(helm, mode="deployment")
    assert parsed(manifests).election is None
    assert len([manifest for manifest in manifests if manifest["kind"] == "Role"]) == 1


def test_the_alerts_and_the_dashboard_look_at_what_the_pod_monitor_scrapes(helm: str) -> None:
    everything = {name: {"enabled": True} for name in ("podMonitor", "prometheusRule", "dashboard")}
    manifests = render(helm, mode="deployment", monitoring=everything)
    port = one(manifests, "PodMonitor")["spec"]["podMetricsEndpoints"][0]["port"]
    assert port in {told["name"] for told in container(manifests)["ports"]}
    (group,) = one(manifests, "PrometheusRule")["spec"]["groups"]
    assert all('job="ops/policy-secretsync"' in rule["expr"] for rule in group["rules"])
    (board,) = [one for one in manifests if one["metadata"]["name"] == "policy-secretsync-dashboard"]
    assert board["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(board["data"]["secretsync.json"])["uid"] == "secretsync"


def test_nothing_of_an_operator_is_installed_unless_it_is_asked_for(helm: str) -> None:
    kinds = {manifest["apiVersion"].partition("/")[0] for manifest in render(helm, mode="deployment")}
    assert "monitoring.coreos.com" not in kinds


def test_the_schema_is_the_configurations_own() -> None:
    chart = json.loads((CHART / "values.schema.json").read_text())
    assert renewed(copy.deepcopy(chart)) == chart, "run 'make generated'"


def test_off_is_taken_although_helm_reads_it_as_false(helm: str) -> None:
    (target,), (package,) = CONFIG["targets"], CONFIG["packages"]
    rule = {"severity": False, "reason": "it is tried"}
    told = {
        "targets": [{**target, "rollout": {"canary": False}}],
        "packages": [{**package, "check": {"rules": {"schema-missing": rule}}}],
    }
    read = parsed(render(helm, mode="deployment", config={**CONFIG, **told}))
    assert read.targets[0].rollout.canary == "off"
    assert read.packages[0].check.rules["schema-missing"].severity == "off"
