"""Layers and blocks from which several networks are built."""
