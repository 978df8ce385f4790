"""What Rucio makes of a policy package: loads it as a server does, and reports what came into force.

The modules run in any process that has Rucio, on Python 3.9 and later, with the standard library alone, as one file
(``probe_archive`` in ``rucio/prove/archive`` makes it). They import each other by relative names for that reason:

    python probe.zip REPORT [--vo VO] [--memory BYTES] [--cpu SECONDS] [--files]

Which package it is, Rucio's configuration and ``RUCIO_POLICY_PACKAGE`` say, as they do for the server. Only the
database is another: a scratch file with Rucio's tables. REPORT is rewritten before each step, so that a package that
exits, hangs or crashes leaves behind how far it came; what it prints decides nothing.
"""
