"""Another script than the one beside the repository may start the control plane of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers.control_plane import KUBECONFIG, SCRIPT, NoControlPlane, control_plane

CONFIG = """\
apiVersion: v1
kind: Config
current-context: other
clusters: [{name: other, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: somebody, user: {token: none}}]
contexts: [{name: other, context: {cluster: other, user: somebody}}]
"""
WRAPPER = """\
#!/bin/sh
echo "$1 $2" >>"$(dirname "$0")/calls"
[ "$1" = up ] || exit 0
mkdir -p "$2"
cp "$(dirname "$0")/config" "$2/kubeconfig"
echo "a line of the script's own"
echo "$2/kubeconfig"
"""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "wrapper.sh"
    path.write_text(WRAPPER)
    path.chmod(0o755)
    (tmp_path / "config").write_text(CONFIG)
    monkeypatch.delenv(KUBECONFIG, raising=False)
    monkeypatch.setenv(SCRIPT, str(path))
    return path


def test_the_script_that_is_named_is_run_and_its_last_line_is_the_kubeconfig(script: Path, tmp_path: Path) -> None:
    with control_plane(tmp_path / "plane") as plane:
        assert (plane.context, plane.server) == ("other", "http://127.0.0.1:1")
        assert plane.kubeconfig == tmp_path / "plane" / "kubeconfig"
        assert calls(script) == [f"up {tmp_path}/plane"]
    assert calls(script) == [f"up {tmp_path}/plane", f"down {tmp_path}/plane"]


def test_it_is_ended_where_a_test_fails(script: Path, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), control_plane(tmp_path / "plane"):
        _ = 1 / 0
    assert calls(script)[-1].startswith("down ")


def test_a_script_that_is_not_there_is_said_with_what_to_set(script: Path, tmp_path: Path) -> None:
    script.unlink()
    with pytest.raises(NoControlPlane, match=SCRIPT), control_plane(tmp_path / "plane"):
        pass


def calls(script: Path) -> list[str]:
    return (script.parent / "calls").read_text().splitlines()
