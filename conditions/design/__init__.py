"""What a design may say: its settings, their checks, and an overview and diagram of it."""
