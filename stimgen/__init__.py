"""Make stimulus sets: pictures of what drives a network's unit most and least."""
