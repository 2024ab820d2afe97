"""Networks, their layers and units, and how they are computed fast."""
