"""What people do by hand: history, rollback, suspend, resume, doctor, permissions, export.

In: destinations, and what was asked for. Out: values that the command line prints.
"""
