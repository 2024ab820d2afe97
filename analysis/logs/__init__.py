"""Trial logs: loaded, checked and imported."""
