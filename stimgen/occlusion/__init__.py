"""Occlusion: activation maps, query pairs, blurred references and baselines."""
