"""The Kubernetes API, or a directory of manifests: the same few verbs, one contract.

In: Secrets, annotations, patches. Out: what is live, and errors that say what was refused. It decides nothing.
"""
