"""Sweeps: many jobs from one command line, in folders named after it, with a report at the end.

A sweep can be started again with the same line: jobs that are done are skipped and the others go on.
"""
