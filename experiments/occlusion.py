"""Occlusion: which of two partly hidden copies of an image activates a network's unit more?

Start it in PsychoPy's Coder or Studio, or from a terminal. The steps of a session (dialog, window,
devices, trials, files) are in experiments/display/coder.py.
"""

from __future__ import annotations

import sys

from experiments.display.coder import run_script

if __name__ == "__main__":
    sys.exit(run_script("occlusion", __doc__))
