"""``python -m secretsync``, and the command itself."""

import gc
import signal
import sys

_OBJECTS_BETWEEN_COLLECTIONS = 500_000
"""At 700, Python's own number, the garbage collector walks what is imported again and again: a tenth of a start."""


def main() -> int:
    """Run the command line. Ctrl-C ends the process silently before and after it is at work. Returns the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    from secretsync.cli.main import main as run

    try:
        return run()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        # the interpreter would walk all that is left twice more, to let it go with the process
        gc.freeze()


if __name__ == "__main__":
    sys.exit(main())
