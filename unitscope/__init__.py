"""What every stage agrees on: vocabulary, columns, tables, settings, places and errors."""

__version__ = "0.1.0"
