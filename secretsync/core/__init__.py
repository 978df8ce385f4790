"""The nouns, and pure tools on them: bundles, Secrets, pod templates, YAML text, errors, logs.

In: bytes, manifests, text. Out: values and sentences. It imports no other room, and nothing that touches the world but
files that are written whole, signals and the log.
"""
