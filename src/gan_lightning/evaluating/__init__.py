"""What ``evaluate.py`` is made of."""
