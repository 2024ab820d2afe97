"""Diagrams of designs."""

import re
import xml.etree.ElementTree as ET

import pytest

from conditions.design.diagram import draw_design
from conditions.design.overview import strips_of, totals
from conditions.design.reading import read_design, shipped_designs
from unitscope.vocabulary import CONDITION_COLOURS

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", shipped_designs())
def test_a_diagram_is_whole_and_nothing_leaves_it(name):
    design = read_design(name)
    root = ET.fromstring(draw_design(design, 2))
    width, height = float(root.get("width")), float(root.get("height"))
    texts = root.findall(f"{SVG}text")
    assert texts[0].text == name
    for text in texts:
        # A letter is no wider than 0.6 of its height in the fonts that are asked for.
        end = float(text.get("x")) + 0.6 * float(text.get("font-size")) * len(text.text)
        assert end < width
        assert float(text.get("y")) < height
        assert float(text.get("font-size")) >= 12
    for rect in root.findall(f"{SVG}rect")[1:]:
        assert float(rect.get("x")) + float(rect.get("width")) <= width
        assert float(rect.get("y")) + float(rect.get("height")) <= height


@pytest.mark.parametrize("name", shipped_designs())
def test_every_trial_is_drawn_in_the_colour_of_its_condition(name):
    design = read_design(name)
    root = ET.fromstring(draw_design(design, 1))
    drawn = [
        rect
        for rect in root.findall(f"{SVG}rect")
        if float(rect.get("width")) in (10, 12)
        and {rect.get("fill"), rect.get("stroke")} & set(CONDITION_COLOURS.values())
    ]
    strips = strips_of(design, 1)
    conditions = {strip.condition for strip in strips}
    # One more of each condition stands in the legend.
    assert len(drawn) == sum(strip.size for strip in strips) + len(conditions)


@pytest.mark.parametrize("name", shipped_designs())
def test_the_diagram_counts_what_the_table_holds(table_of, name):
    design = read_design(name)
    for participant in (1, design.participants):
        table = table_of(name, participant)
        once = table[table["practice_round"].fillna(1) == 1]
        assert totals(strips_of(design, participant)) == once["trial_role"].value_counts().to_dict()


def test_names_that_are_no_markup_are_drawn_as_they_are():
    text = draw_design(read_design("klein2023_exemplar"), 1)
    assert "Brendel &amp; Wichmann" in text
    assert not re.search(r"&(?!amp;|lt;|gt;|quot;|#)", text)


def test_schemes_stand_over_their_blocks():
    text = draw_design(read_design("borowski2021_exp2"), 1)
    # Over the blocks once, over each of eight orders once.
    assert text.count(">Min+Max-9<") == 9
