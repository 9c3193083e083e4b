"""Help for text editors: a description of the configuration files by which they complete and check options."""
