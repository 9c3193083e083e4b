"""From a command line to a checked configuration and its objects."""
