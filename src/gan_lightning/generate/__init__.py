"""The verb ``generate.py``: images of a trained generator by seed and class, and what lies between them."""
