"""Measure how exact sessions are on this machine: as ``python -m experiments timing``."""

import sys

from experiments.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["timing", *sys.argv[1:]]))
