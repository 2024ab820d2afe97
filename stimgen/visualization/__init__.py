"""Feature visualizations: parametrizations, objectives, priors and the one optimisation loop."""
