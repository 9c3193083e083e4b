"""Data sets that are known by name: rendered digits, MNIST and CIFAR-10, and points of the plane."""
