"""The sweep over natural images: reading, measuring, ranking, and work in parallel."""
