"""What is particular to a directory of manifests: its files, and how they are read and written."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from secretsync.cluster import manifest_files
from secretsync.cluster.directory import DirectoryCluster
from secretsync.cluster.errors import Conflict, UnusableManifest
from secretsync.cluster.manifest_files import ManifestFolder
from secretsync.core.model import Secret

SECRET = Secret(
    "rucio",
    "atlas",
    {"b.py": b"2", "a.py": b"1"},
    {"app.kubernetes.io/managed-by": "secretsync"},
    {"secretsync.rucio/write": "1"},
)
TEXT = """\
apiVersion: v1
kind: Secret
metadata:
  name: atlas
  namespace: rucio
  labels:
    app.kubernetes.io/managed-by: secretsync
  annotations:
    secretsync.rucio/write: '1'
type: Opaque
data:
  a.py: MQ==
  b.py: Mg==
"""
DEPLOYMENT = """\
# the server
apiVersion: apps/v1
kind: Deployment
metadata:
  name: server
spec:
  template:
    spec: {}   # nothing to see
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def cluster(root: Path) -> DirectoryCluster:
    return DirectoryCluster(root)


def names(cluster: DirectoryCluster, namespace: str = "rucio") -> list[str]:
    return [workload.ref.name for workload in cluster.workloads(namespace)]


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def deployment(name: str, namespace: str = "") -> str:
    text = DEPLOYMENT.replace("name: server", f"name: {name}")
    return text.replace("metadata:\n", f"metadata:\n  namespace: {namespace}\n") if namespace else text


def test_a_secret_is_one_file_whose_text_is_always_the_same(cluster: DirectoryCluster, root: Path) -> None:
    cluster.create(SECRET, manager="x")
    assert [path.relative_to(root).as_posix() for path in root.rglob("*.*")] == ["rucio/secret-atlas.yaml"]
    assert (root / "rucio/secret-atlas.yaml").read_text() == TEXT


def test_a_directory_that_is_not_there_is_empty_and_is_made_with_the_first_secret(root: Path) -> None:
    cluster = DirectoryCluster(root / "not" / "there")
    assert cluster.secret("rucio", "atlas") is None
    assert names(cluster) == []
    cluster.create(SECRET, manager="x")
    assert cluster.secret("rucio", "atlas") is not None


def test_what_git_keeps_of_a_file_is_kept_when_it_is_written_again(cluster: DirectoryCluster, root: Path) -> None:
    live = cluster.create(SECRET, manager="x")
    (root / "rucio/secret-atlas.yaml").chmod(0o640)
    cluster.replace(replace(SECRET, data={}), live, manager="x")
    assert (root / "rucio/secret-atlas.yaml").stat().st_mode & 0o777 == 0o640


def test_a_write_that_was_interrupted_leaves_the_old_file_and_does_not_hinder_the_next(
    cluster: DirectoryCluster, root: Path
) -> None:
    live = cluster.create(SECRET, manager="x")
    put(root / "rucio/.secret-atlas.yaml.half-written", "apiVersion: v1\nkind: Sec")
    assert cluster.secret("rucio", "atlas") == live
    assert cluster.replace(replace(SECRET, data={}), live, manager="x").data == {}
    assert [path.name for path in (root / "rucio").iterdir()] == ["secret-atlas.yaml"]


def test_an_edit_by_hand_since_it_was_read_is_a_conflict(cluster: DirectoryCluster, root: Path) -> None:
    live = cluster.create(SECRET, manager="x")
    edited = put(root / "rucio/secret-atlas.yaml", TEXT + "  c.py: Mw==\n")
    with pytest.raises(Conflict):
        cluster.replace(SECRET, live, manager="x")
    assert "c.py" in edited.read_text()


def test_plain_text_that_a_person_wrote_is_read_too(cluster: DirectoryCluster, root: Path) -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: atlas}\nstringData: {a.py: hello}\n"
    put(root / "rucio/by-hand.yml", text)
    live = cluster.secret("rucio", "atlas")
    assert live is not None
    assert live.data == {"a.py": b"hello"}


def test_a_secret_in_a_file_of_another_name_is_replaced_there(cluster: DirectoryCluster, root: Path) -> None:
    put(root / "rucio/deep/by-hand.yaml", TEXT)
    live = cluster.secret("rucio", "atlas")
    assert live is not None
    cluster.replace(replace(SECRET, data={}), live, manager="x")
    assert [path.name for path in root.rglob("*.yaml")] == ["by-hand.yaml"]


def test_a_secret_beside_other_objects_in_a_file_is_read_but_not_written(cluster: DirectoryCluster, root: Path) -> None:
    both = put(root / "rucio/both.yaml", f"{TEXT}---\n{DEPLOYMENT}")
    live = cluster.secret("rucio", "atlas")
    assert live is not None
    with pytest.raises(UnusableManifest, match=r"both\.yaml: holds other objects .* move each to a file of its own"):
        cluster.replace(SECRET, live, manager="x")
    with pytest.raises(UnusableManifest):
        cluster.delete(live)
    assert both.read_text() == f"{TEXT}---\n{DEPLOYMENT}"


def test_a_file_that_is_in_the_way_is_not_overwritten(cluster: DirectoryCluster, root: Path) -> None:
    put(root / "rucio/secret-atlas.yaml", DEPLOYMENT)
    with pytest.raises(UnusableManifest, match="holds something else"):
        cluster.create(SECRET, manager="x")


def test_objects_of_the_namespace_are_found_at_the_top_and_below_its_folder(
    cluster: DirectoryCluster, root: Path
) -> None:
    put(root / "top.yaml", deployment("a"))
    put(root / "top-named.yaml", deployment("b", "rucio"))
    put(root / "rucio/c.yaml", deployment("c"))
    put(root / "rucio/daemons/d.yml", deployment("d"))
    put(root / "top-other.yaml", deployment("x", "other"))
    put(root / "other/y.yaml", deployment("y"))
    put(root / "rucio/.hidden.yaml", deployment("z"))
    put(root / "rucio/.git/z.yaml", deployment("z"))
    put(root / "rucio/notes.txt", deployment("z"))
    assert names(cluster) == ["a", "b", "c", "d"]
    assert names(cluster, "other") == ["a", "x", "y"]


def test_many_documents_and_lists_are_read_and_what_is_no_object_is_passed_over(
    cluster: DirectoryCluster, root: Path
) -> None:
    item = "{kind: Deployment, apiVersion: apps/v1, metadata: {name: %s}, spec: {template: {}}}"
    listed = f"---\nkind: List\napiVersion: v1\nitems:\n- {item % 'b'}\n- {item % 'c'}\n"
    put(root / "rucio/all.yaml", f"--- # nothing\n---\n{deployment('a')}{listed}--- [1, 2]\n--- text\n")
    put(root / "rucio/kustomization.yaml", "resources: [all.yaml]\n")
    assert names(cluster) == ["a", "b", "c"]


def test_annotating_touches_one_line_of_one_document(cluster: DirectoryCluster, root: Path) -> None:
    before = f"{deployment('a')}---\n{DEPLOYMENT}"
    both = put(root / "rucio/both.yaml", before)
    server = cluster.workloads("rucio")[1]
    cluster.annotate(server, {"secretsync.rucio/atlas": "abc.1"}, manager="x")
    note = '    metadata:\n      annotations:\n        secretsync.rucio/atlas: "abc.1"\n'
    assert both.read_text() == before[: before.rindex("    spec: {}")] + note + "    spec: {}   # nothing to see\n"


def test_annotating_what_cannot_be_edited_in_place_names_the_file_and_the_way_out(
    cluster: DirectoryCluster, root: Path
) -> None:
    text = "kind: Deployment\nmetadata: {name: a}\nx: &t {metadata: {}}\nspec: {template: *t}\n"
    put(root / "rucio/anchors.yaml", text)
    with pytest.raises(UnusableManifest, match=r"anchors\.yaml: Deployment rucio/a cannot be annotated: .* plainly"):
        cluster.annotate(cluster.workloads("rucio")[0], {"a": "b"}, manager="x")
    assert (root / "rucio/anchors.yaml").read_text() == text


def test_times_stay_text_as_in_the_api(cluster: DirectoryCluster, root: Path) -> None:
    put(
        root / "rucio/a.yaml",
        DEPLOYMENT.replace("name: server", "name: server\n  creationTimestamp: 2026-11-23T10:00:00Z"),
    )
    assert cluster.workloads("rucio")[0].manifest["metadata"]["creationTimestamp"] == "2026-11-23T10:00:00Z"


class TestWhatCannotBeReadIsAnErrorThatNamesTheFile:
    def test_yaml_that_is_none(self, cluster: DirectoryCluster, root: Path) -> None:
        put(root / "rucio/broken.yaml", "kind: Deployment\n  a: {{ .Values.template }}\n")
        with pytest.raises(UnusableManifest, match=r"broken\.yaml: is not YAML that can be read \(line 2"):
            names(cluster)

    def test_a_tag_that_only_another_program_knows(self, cluster: DirectoryCluster, root: Path) -> None:
        put(root / "rucio/tagged.yaml", "kind: !vault secret\n")
        with pytest.raises(UnusableManifest, match=r"tagged\.yaml: is not YAML that can be read"):
            names(cluster)

    def test_bytes_that_are_no_text(self, cluster: DirectoryCluster, root: Path) -> None:
        put(root / "rucio/binary.yaml", "").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(UnusableManifest, match=r"binary\.yaml: is not UTF-8"):
            names(cluster)

    def test_a_symlink_that_leads_out(self, cluster: DirectoryCluster, root: Path) -> None:
        (root / "rucio").mkdir()
        (root / "rucio/out.yaml").symlink_to("/etc/passwd")
        with pytest.raises(UnusableManifest, match=r"out\.yaml: is a symlink, which is not followed"):
            names(cluster)

    @pytest.mark.parametrize("leads_to", ["nowhere.yaml", "link.yaml", "../server.yaml"])
    def test_a_symlink_that_leads_nowhere_or_elsewhere(
        self, cluster: DirectoryCluster, root: Path, leads_to: str
    ) -> None:
        put(root / "server.yaml", "")
        (root / "rucio").mkdir()
        (root / "rucio/link.yaml").symlink_to(leads_to)
        with pytest.raises(UnusableManifest, match=r"link\.yaml: is a symlink"):
            names(cluster)

    def test_a_namespaces_folder_that_is_a_symlink(self, cluster: DirectoryCluster, root: Path) -> None:
        (root / "elsewhere").mkdir()
        (root / "rucio").symlink_to("elsewhere")
        with pytest.raises(UnusableManifest, match="rucio: is a symlink, which is not followed: make it a folder"):
            names(cluster)
        with pytest.raises(UnusableManifest, match="is a symlink"):
            cluster.create(SECRET, manager="x")
        assert list((root / "elsewhere").iterdir()) == []

    def test_a_pipe(self, cluster: DirectoryCluster, root: Path) -> None:
        (root / "rucio").mkdir()
        os.mkfifo(root / "rucio/pipe.yaml")
        with pytest.raises(UnusableManifest, match=r"pipe\.yaml: is not a regular file"):
            names(cluster)

    def test_an_object_that_is_there_twice(self, cluster: DirectoryCluster, root: Path) -> None:
        put(root / "rucio/a.yaml", DEPLOYMENT)
        put(root / "rucio/b.yaml", DEPLOYMENT)
        with pytest.raises(UnusableManifest, match=r"b\.yaml: Deployment 'server' is in .*a\.yaml as well"):
            names(cluster)

    def test_a_workload_without_a_pod_template(self, cluster: DirectoryCluster, root: Path) -> None:
        put(root / "rucio/a.yaml", "kind: Deployment\nmetadata: {name: a}\n")
        with pytest.raises(UnusableManifest, match=r"Deployment rucio/a has no spec\.template"):
            names(cluster)

    def test_a_directory_that_is_a_file(self, root: Path) -> None:
        put(root / "file", "")
        with pytest.raises(UnusableManifest, match="file: "):
            DirectoryCluster(root / "file").create(SECRET, manager="x")


def test_nothing_is_written_through_a_symlink_that_was_put_there_meanwhile(
    cluster: DirectoryCluster, root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    live = cluster.create(SECRET, manager="x")
    text = (root / "rucio/secret-atlas.yaml").read_text()
    (root / "rucio").rename(root / "moved")
    put(elsewhere / "secret-atlas.yaml", text)
    (root / "rucio").symlink_to(elsewhere)
    with pytest.raises(UnusableManifest):
        ManifestFolder(root).write(root / "rucio/secret-atlas.yaml", "planted")
    with pytest.raises(UnusableManifest):
        cluster.delete(live)
    assert [path.read_text() for path in elsewhere.iterdir()] == [text]


def test_a_half_written_file_of_a_known_name_that_leads_elsewhere_is_no_trap(
    cluster: DirectoryCluster, root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    victim = put(tmp_path_factory.mktemp("elsewhere") / "victim", "kept")
    (root / "rucio").mkdir()
    (root / "rucio/.secret-atlas.yaml.half-written").symlink_to(victim)
    cluster.create(SECRET, manager="x")
    assert victim.read_text() == "kept"
    assert [path.name for path in (root / "rucio").iterdir()] == ["secret-atlas.yaml"]


class TestAKustomization:
    @pytest.mark.parametrize("folder", ["", "rucio"])
    @pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
    def test_lists_what_is_written_and_not_what_is_deleted(
        self, cluster: DirectoryCluster, root: Path, folder: str, name: str
    ) -> None:
        own = put(root / folder / name, "# ours\nresources:\n  - server.yaml   # the server\nnamespace: rucio\n")
        before = own.read_text()
        live = cluster.create(SECRET, manager="x")
        resource = "secret-atlas.yaml" if folder else "rucio/secret-atlas.yaml"
        assert yaml.safe_load(own.read_text())["resources"] == ["server.yaml", resource]
        live = cluster.replace(replace(SECRET, data={}), live, manager="x")
        assert yaml.safe_load(own.read_text())["resources"] == ["server.yaml", resource]
        cluster.delete(live)
        assert own.read_text() == before

    def test_that_cannot_be_edited_stays_and_is_named(
        self, cluster: DirectoryCluster, root: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        own = put(root / "rucio/kustomization.yaml", "resources: {a: b}\n")
        cluster.create(SECRET, manager="x")
        assert own.read_text() == "resources: {a: b}\n"
        assert "must list this file" in capsys.readouterr().out


def test_a_file_that_nobody_changed_is_parsed_once(tmp_path: Path) -> None:
    folder = tmp_path / "rucio"
    folder.mkdir()
    for number in range(20):
        (folder / f"d{number}.yaml").write_text(f"kind: ConfigMap\nmetadata: {{name: d{number}}}\n")
    manifest_files._parsed.cache_clear()
    for _ in range(5):
        ManifestFolder(tmp_path).find("rucio", ("ConfigMap",))
    assert manifest_files._parsed.cache_info().misses == 20
    (folder / "d0.yaml").write_text("kind: ConfigMap\nmetadata: {name: other}\n")
    assert [
        one.manifest["metadata"]["name"] for one in ManifestFolder(tmp_path).find("rucio", ("ConfigMap",), "other")
    ] == ["other"]
