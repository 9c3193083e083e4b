"""The verb ``compare.py``: which recipe is better, and how sure that is. It needs no torch and answers at once."""
