"""Games whose generators turn images of one domain into images of another, with partners or without."""
