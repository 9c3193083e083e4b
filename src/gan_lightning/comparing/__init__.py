"""What ``compare.py`` is made of. It reads run folders and needs no torch, so that it answers in a moment."""
