"""The verb ``train.py`` trains one run, from a configuration to its summary."""
