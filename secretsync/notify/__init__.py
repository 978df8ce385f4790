"""Reports are sent somewhere; a failing notifier never decides a run."""
