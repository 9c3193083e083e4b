"""The verb ``gan-lightning check``, which says what a machine has and whether training works on it."""
