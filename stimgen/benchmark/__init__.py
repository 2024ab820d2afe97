"""How fast the generator is, against the usual way and the machine's limit."""
