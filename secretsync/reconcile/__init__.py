"""The story: observe, check, plan, wait for gates, lock, prove, keep, apply, wait, undo, record.

In: a destination, which is a namespace of a cluster with what is delivered there. Out: a report, and an outcome for
each target. `reconciler` reads as the story; its chapters are the modules beside it.
"""
