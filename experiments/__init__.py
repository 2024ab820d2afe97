"""Controlled lab sessions over condition tables."""
