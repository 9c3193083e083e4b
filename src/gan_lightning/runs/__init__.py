"""A run on disk: its folder, its checkpoints and its records, and how each of them is read again."""
