"""How a pod gets at a policy package: the three conditions, read from manifests."""
