"""Feature visualizations: parametrizations, objectives, priors and the optimisation loop."""
