"""The comparison as one HTML page that opens without a network."""
