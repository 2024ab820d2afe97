"""Logs for others: BIDS and Psych-DS."""
