"""Images of two domains, a and b, to be translated into each other: pairs of them, or two sets without partners."""
