"""The commands of ``python -m stimgen``; torch is imported only when a command runs."""
