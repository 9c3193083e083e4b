"""A run on disk: its folder, its checkpoints, its records, and how they are read again."""
