"""Sweeps: folders that follow from the command line, jobs that know what became of them, a report at the end."""
