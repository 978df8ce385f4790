from __future__ import annotations

import itertools

import pytest
import yaml

from secretsync.rucio.charts import patch
from secretsync.rucio.charts.values import CHARTS, render
from tests.rucio.charts.build import FLAT, packed, wiring


def values(*arguments: object, chart: str = "server", via: str = "env", **more: object) -> dict[str, object]:
    read = yaml.safe_load(render(wiring(*arguments, **more), chart, via, "rucio"))  # type: ignore[arg-type]
    assert isinstance(read, dict)
    return read


@pytest.mark.parametrize("chart", CHARTS)
def test_the_values_mount_each_secret_by_its_own_name_and_name_the_package(chart: str) -> None:
    assert values(chart=chart) == {
        "secretMounts": [
            {
                "volumeName": "policy-cms-policy",
                "secretFullName": "cms-policy",
                "mountPath": "/opt/policy/cms_policy",
            },
            {
                "volumeName": "policy-cms-policy-algorithms",
                "secretFullName": "cms-policy-algorithms",
                "mountPath": "/opt/policy/cms_policy/algorithms",
            },
        ],
        "optional_config": {"pythonpath": "/opt/policy", "rucio_policy_package": "cms_policy"},
    }


def test_via_config_the_package_is_named_in_rucios_configuration_and_not_in_the_environment() -> None:
    read = values(packed(files=FLAT), via="config")
    assert read["optional_config"] == {"pythonpath": "/opt/policy"}
    assert read["config"] == {"policy": {"package": "cms_policy"}}


def test_each_vo_has_its_package_under_the_key_that_rucio_reads() -> None:
    vos = (packed("cms_policy", FLAT, "cms"), packed("dune_policy", FLAT, "dun"))
    assert values(*vos)["optional_config"] == {
        "pythonpath": "/opt/policy",
        "rucio_policy_package_cms": "cms_policy",
        "rucio_policy_package_dun": "dune_policy",
    }
    assert values(*vos, via="config")["config"] == {
        "policy": {"package-cms": "cms_policy", "package-dun": "dune_policy"}
    }


def test_file_by_file_the_entries_have_sub_paths_and_python_path_is_not_set() -> None:
    read = values(packed(files=("__init__.py",)), style="files")
    assert read["secretMounts"] == [
        {
            "volumeName": "policy-cms-policy-init-py",
            "secretFullName": "cms-policy",
            "mountPath": "/usr/local/lib/python3.9/site-packages/cms_policy/__init__.py",
            "subPath": "__init__.py",
        }
    ]
    assert read["optional_config"] == {"rucio_policy_package": "cms_policy"}


@pytest.mark.parametrize("module", ["null", "true", "on", "no"])
def test_a_module_whose_name_yaml_would_read_as_something_else_stays_text(module: str) -> None:
    assert values(packed(module, FLAT))["optional_config"] == {
        "pythonpath": "/opt/policy",
        "rucio_policy_package": module,
    }


@pytest.mark.parametrize("via", ["env", "config"])
def test_every_setting_and_every_mount_has_its_reason_in_the_line_above(via: str) -> None:
    lines = render(wiring(), "server", via, "rucio").splitlines()
    above = {line.strip(): before.strip() for before, line in itertools.pairwise(lines)}
    said = [line for line in above if line.startswith(("pythonpath:", "rucio_policy_package:", "package:", "- volume"))]
    assert len(said) == 4
    assert all(above[line].startswith("# ") for line in said)


@pytest.mark.parametrize("style", ["directory", "existing"])
@pytest.mark.parametrize("chart", CHARTS)
def test_the_text_fits_a_terminal(style: str, chart: str) -> None:
    text = render(wiring(style=style, root="/opt/policy"), chart, "env", "rucio")
    assert max(map(len, text.splitlines())) <= 80


def test_only_the_daemons_values_speak_of_lists_that_hide_the_global_one() -> None:
    texts = {chart: render(wiring(), chart, "env", "rucio") for chart in CHARTS}
    assert [chart for chart, text in texts.items() if "extraSecretMounts" in text] == ["daemons"]


def test_file_by_file_the_values_say_that_new_files_must_be_listed() -> None:
    assert "print these" in render(wiring(style="files"), "server", "env", "rucio")


def test_the_patch_gives_the_container_its_mounts_and_environment() -> None:
    pod = yaml.safe_load(patch.render_patch(wiring(packed(files=FLAT)), "api"))["spec"]["template"]["spec"]
    assert pod == {
        "containers": [
            {
                "name": "api",
                "env": [
                    {"name": "PYTHONPATH", "value": "/opt/policy"},
                    {"name": "RUCIO_POLICY_PACKAGE", "value": "cms_policy"},
                ],
                "volumeMounts": [{"name": "policy-cms-policy", "mountPath": "/opt/policy/cms_policy"}],
            }
        ],
        "volumes": [{"name": "policy-cms-policy", "secret": {"secretName": "cms-policy"}}],
    }


def test_the_kustomization_finds_each_kind_of_deployment_and_its_own_container() -> None:
    read = yaml.safe_load(patch.render_kustomization(wiring(), "server"))
    found = {
        one["target"]["labelSelector"]: yaml.safe_load(one["patch"])["spec"]["template"]["spec"]["containers"][0][
            "name"
        ]
        for one in read["patches"]
    }
    assert found == {
        "app=rucio-server": "rucio-server",
        "app=rucio-server-auth": "rucio-server-auth",
        "app=rucio-server-trace": "rucio-server-trace",
    }
