"""The verb ``evaluate.py``: generators, or pictures in a folder, measured against real images."""
