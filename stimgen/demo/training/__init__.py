"""How the networks of the demo were trained."""
