"""The long-running form: passes on a schedule, one leader, a port that answers, notifications.

In: the configuration's file, signals, requests. Out: passes by `reconcile`, metrics, messages to people.
"""
