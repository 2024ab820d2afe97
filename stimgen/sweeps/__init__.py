"""One pass over many images: reading, measuring, ranking, resuming, sharing."""
