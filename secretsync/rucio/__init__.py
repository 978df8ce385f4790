"""All that knows Rucio: what it does with a package, how a pod gets at one, what its charts take.

In: a bundle, a pod template, a values file. Out: findings, verdicts, values. Only ``prove`` touches the world: it runs
the real Rucio in a process of its own.
"""
