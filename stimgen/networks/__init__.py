"""Networks, their layers and units, and what makes them quick."""
