"""Several processes, one run: who starts them, what they send one another, and how gradients are averaged."""
