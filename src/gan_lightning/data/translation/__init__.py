"""Data sets with images of two domains, a and b, to translate between: pairs of them, or two sets without partners."""
