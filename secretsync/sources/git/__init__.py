"""A repository: its refs, its commits and files out of a bare cache, and signatures on them.

In: a git requirement and how to get access. Out: a revision, and the files of a commit. Only ``process`` starts git.
"""
