"""secretsync deploys Rucio policy packages as Kubernetes Secrets and proves that the pods came up with them."""

__version__ = "0.2.0"
