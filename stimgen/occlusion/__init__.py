"""Occlusion: activation maps, queries, references, baselines."""
