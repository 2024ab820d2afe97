"""Designs of studies, and the condition tables made from them."""
