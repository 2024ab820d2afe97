"""Stimulus sets: building, verifying, showing, comparing and exporting them."""
