"""The trials of condition tables, one module a task."""
