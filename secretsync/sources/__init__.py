"""A requirement becomes a bundle: git, a package index, a directory.

In: a package of the configuration. Out: a `Source`, which resolves to a revision and fetches it as a bundle. It knows
nothing of clusters; git, ssh and HTTP are spoken here and nowhere else.
"""
