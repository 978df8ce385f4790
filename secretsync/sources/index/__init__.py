"""A package index: which file of which release is taken, and its bytes, compared with its hashes.

In: a requirement with a version. Out: a revision, and the files of a wheel or an sdist. Only ``http`` asks the index.
"""
