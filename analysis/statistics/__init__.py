"""Estimates, intervals, contrasts and models."""
