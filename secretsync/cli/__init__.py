"""The command line: parse, call, print, return an exit code.

In: arguments. Out: text or JSON on stdout, sentences on stderr. What it prints is made by ``output``.
"""
