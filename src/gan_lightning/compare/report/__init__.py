"""Reports on runs that are not ranked: a single run, or runs in which no quality was measured."""
