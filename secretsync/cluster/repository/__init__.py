"""A site's git repository as a cluster: manifests and values change by commits that people, or a GitOps tool, take.

In: the verbs of a directory of manifests. Out: a commit on a branch and, where it is asked for, a merge request. There
is no work tree, no hook is run, and nothing that others pushed is overwritten.
"""

from secretsync.cluster.repository.cluster import RepositoryCluster
from secretsync.cluster.repository.proposal import Proposal

__all__ = ["Proposal", "RepositoryCluster"]
