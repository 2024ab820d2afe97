"""Make stimulus sets: images that activate a network's units most and least."""
