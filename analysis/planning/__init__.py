"""Power and preregistration."""
