"""Data-parallel training (DDP, multi-GPU): several processes that make one run.

The modules say who starts the processes, what they send one another, and how gradients are averaged.
"""
