"""Where policy packages come from: git, an index, a directory."""
