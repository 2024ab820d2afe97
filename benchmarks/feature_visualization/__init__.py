"""How feature visualizations look, and how well they name their units, by settings."""
