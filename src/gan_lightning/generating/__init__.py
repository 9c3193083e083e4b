"""Samples of a trained generator: by seed and class, in between, and beside the images that it learned from."""
