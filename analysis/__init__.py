"""From the logs of sessions to what they say: load, estimate, compare, report."""

from analysis.logs.load import load

__all__ = ["load"]
