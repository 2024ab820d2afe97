"""The occlusion task: its trial as a state machine, and where everything stands on the screen."""

from __future__ import annotations

from experiments.runner.layout import Box, Measures, grid
from experiments.runner.two_afc import ChoicePlacement, TwoAFCTrial, legend_size, place_caps
from unitscope.columns import MAX_REFERENCES


class OcclusionTrial(TwoAFCTrial):
    """One trial: a patch of one image is hidden in two places; which activates the unit more?

    Zimmermann et al., NeurIPS 2021 (arXiv 2106.12447). It is answered as a two-alternative forced
    choice between the left query a and the right query b.
    """

    task = "occlusion"


COLUMNS = 3
"""Columns of the references."""


def place_occlusion(
    m: Measures, *, two_step: bool = False, self_paced: bool = False
) -> ChoicePlacement:
    """Place references at the left; at the right the base image, and below it the two queries.

    Zimmermann et al., NeurIPS 2021 (arXiv 2106.12447). Everything keeps its place where there are
    no references.

    Parameters
    ----------
    m
        The layout's lengths.
    two_step
        Whether the confidence is asked for where the question stands.
    self_paced
        Whether the button to continue stands where the question stood.
    """
    title, lane, (legend_width, legend) = 2 * m.text, m.text // 2, legend_size(m)
    left_width, height = m.span(COLUMNS), m.span(MAX_REFERENCES // COLUMNS)
    # Wide enough for both queries' frames, and for their legends.
    between = max(m.gap, m.text, legend_width + lane - m.side)
    right_width = max(2 * m.side + between, 16 * m.text)
    # The legends end where the references do, unless images are so small that the question, which
    # takes what is left, would not fit.
    asked = max(
        height - 2 * m.side - lane - legend, round((4.5 if two_step or self_paced else 3) * m.text)
    )
    height = max(height, 2 * m.side + lane + legend + asked)
    width = left_width + m.separation + right_width
    left, right = -width // 2 + left_width // 2, width // 2 - right_width // 2
    bar = max(6, m.text // 3)
    top = (height - title - 2 * bar) // 2

    references = grid("reference_max", left, top - height // 2, MAX_REFERENCES, COLUMNS, m)
    shift = top - round(references["reference_max_0"].top)
    references = {
        name: Box(box.x, box.y + shift, box.width, box.height) for name, box in references.items()
    }
    question_y = top - m.side - asked // 2
    query_y = top - m.side - asked - m.side // 2
    queries = {
        choice: Box(right + sign * (m.side + between) // 2, query_y, m.side, m.side)
        for choice, sign in (("a", -1), ("b", 1))
    }
    legends = {
        choice: Box(box.x, query_y - m.side // 2 - lane - legend // 2, legend_width, legend)
        for choice, box in queries.items()
    }
    asking = Box(right, question_y, right_width, asked)
    return ChoicePlacement(
        m.text,
        m.scale,
        base=Box(right, top - m.side // 2, m.side, m.side),
        queries=queries,
        references=references,
        titles={
            "max": Box(left, top + title // 2, left_width, title),
            "base": Box(right, top + title // 2, right_width, title),
        },
        legends=legends,
        caps=place_caps(queries, legends, asking, m, two_step=two_step),
        question=asking,
        progress=Box(0, top + title + bar, left_width, bar),
    )
