"""How fast and how exact the suite is."""
