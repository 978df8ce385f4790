"""The command line: parse, call, print, return an exit code.

In: arguments. Out: text or JSON on stdout, sentences on stderr. What it prints is made by ``output``.
"""

from secretsync.core.slim_structlog import import_structlog

# before any module that logs is imported
import_structlog()
