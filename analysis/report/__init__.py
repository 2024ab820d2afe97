"""The report: its sections, figures and page."""
