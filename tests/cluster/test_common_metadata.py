"""What a site wants on every object: on all that is made, and on nothing that is read."""

from __future__ import annotations

from secretsync.cluster.common_metadata import with_common_metadata
from secretsync.core.model import Secret
from tests.cluster.places import stub

LABELS, ANNOTATIONS = {"owner": "ddm", "shared": "site"}, {"example.org/ticket": "7"}


def test_secrets_leases_jobs_and_their_pods_have_what_the_site_wants() -> None:
    with stub() as place:
        cluster = with_common_metadata(place.cluster, LABELS, ANNOTATIONS)
        own = Secret("rucio", "atlas", {"a": b"1"}, {"shared": "ours"}, {"ours": "1"})
        written = cluster.create(own, manager="x")
        assert written.labels == {"owner": "ddm", "shared": "ours"}
        assert written.annotations == {"example.org/ticket": "7", "ours": "1"}
        assert cluster.replace(own, written, manager="x").labels == {"owner": "ddm", "shared": "ours"}
        for kind in ("Lease", "Job"):
            metadata = {"namespace": "rucio", "name": "x", "labels": {"shared": "ours"}}
            manifest = {
                "kind": kind,
                "metadata": metadata,
                "spec": {"template": {"spec": {"containers": []}}} if kind == "Job" else {},
            }
            made = cluster.store(manifest, manager="x")
            assert made["metadata"]["labels"] == {"owner": "ddm", "shared": "ours"}
            assert made["metadata"]["annotations"] == ANNOTATIONS
            if kind == "Job":
                assert made["spec"]["template"]["metadata"] == {"labels": LABELS, "annotations": ANNOTATIONS}
            assert "labels" in metadata
            assert metadata["labels"] == {"shared": "ours"}


def test_a_site_that_wants_nothing_has_the_cluster_as_it_is() -> None:
    with stub() as place:
        assert with_common_metadata(place.cluster, {}, {}) is place.cluster
