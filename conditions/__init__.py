"""What every stage agrees on: vocabulary, columns, designs, stimulus sets and condition tables."""

__version__ = "0.1.0"
