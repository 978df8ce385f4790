"""``python -m secretsync``, and the command itself."""

import signal
import sys


def main() -> int:
    """Run the command line. Ctrl-C ends the process silently before and after it is at work. Returns the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from secretsync.cli.main import main as run

    try:
        return run()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(main())
