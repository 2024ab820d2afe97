"""Everything that uses PsychoPy: window, devices, screens and the sessions of Coder and Builder."""

import importlib
import sys

# PsychoPy parses the command line when it is imported, and would answer --help with its own text.
_given = sys.argv
sys.argv = [word for word in _given if word not in ("-h", "--help")]
importlib.import_module("psychopy.preferences")
sys.argv = _given
