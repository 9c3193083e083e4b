"""The verb ``train.py``: one run from a configuration to its summary."""
