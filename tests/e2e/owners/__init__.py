"""Tools that own Rucio's workloads, and what secretsync does after each of them: docs/owners.md is made of it."""
