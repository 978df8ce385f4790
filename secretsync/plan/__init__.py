"""Desired against live, as values: what to write, what to restart, in which order, and whether it went well.

In: bundles, Secrets and workloads as they were read. Out: a plan, verdicts, state. It touches nothing: no clock, no
cluster, no source.
"""
