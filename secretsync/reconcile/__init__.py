"""The story: observe, check, plan, wait for gates, lock, prove, keep, apply, wait, undo, record.

In: a destination, which is a namespace of a cluster with what is delivered there. Out: a report, and an outcome for
each target. `reconciler` has the steps of a run in order; each step is a module beside it.
"""
