"""The verb ``evaluate.py`` measures generators, or pictures in a folder, against real images."""
