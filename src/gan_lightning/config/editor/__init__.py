"""What editors are told about the configuration files."""
