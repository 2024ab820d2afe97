"""The generator against the usual way and the machine's limit."""
