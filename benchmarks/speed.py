"""Measure how fast stimgen is on this machine: the same as ``python -m stimgen bench``."""

import sys

from stimgen.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["bench", *sys.argv[1:]]))
