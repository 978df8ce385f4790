"""Reports as text or JSON; a format returns strings and prints nothing."""
