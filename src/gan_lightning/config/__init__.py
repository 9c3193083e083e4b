"""The way from a command line to a checked configuration, and from that to the objects that it describes."""
