"""A release's files, made from a commit without a forge: wheel, sdist, chart, bill of materials, notes, checksums."""
