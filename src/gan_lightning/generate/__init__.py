"""The verb ``generate.py``: images of a trained generator by seed and class, and interpolations between them."""
