"""The same sessions in a browser: a server that drives the runner for participants elsewhere."""
