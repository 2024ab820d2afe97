"""The occlusion task as a pure state machine."""

from __future__ import annotations

from experiments.runner.two_afc import TwoAFCTrial


class OcclusionTrial(TwoAFCTrial):
    """One trial: one image with a patch hidden in two places; which excites the unit more?

    Zimmermann et al., NeurIPS 2021 (arXiv 2106.12447). It is answered as a two-alternative forced
    choice between the left query a and the right query b.
    """

    task = "occlusion"
