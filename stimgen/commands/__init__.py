"""The commands of ``python -m stimgen``; torch is imported when one runs, not before."""
