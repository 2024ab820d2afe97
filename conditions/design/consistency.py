"""Checks that the settings of a design do not contradict each other."""

from __future__ import annotations

import math
from dataclasses import asdict

from conditions.design.blocks import OF_GROUP, OF_LIST, OF_SCHEME, Block
from conditions.design.design import Design
from conditions.design.device_settings import EVENTS, OWN_ARGUMENTS
from unitscope.errors import nearest
from unitscope.texts import PAGE_NAMES, QUESTION_NAMES, languages
from unitscope.vocabulary import CONDITIONS_OF_TASK

LARGEST_SCREEN = {"px": (7680, 4320), "deg": (180, 180)}
"""Width and height that no screen exceeds, by the unit of a layout."""


def check_design(design: Design) -> None:
    """Raise ``ValueError`` with one sentence if the settings contradict each other."""
    _check_orders(design)
    _check_groups(design)
    _check_schemes(design)
    _check_batches(design)
    for name, block in design.blocks.items():
        for condition in design.conditions_of(block):
            _check_block(design, name, block, condition)
    _check_repeats(design)
    _check_task(design)
    _check_layout(design)
    _check_names(design)


def _check_orders(design: Design) -> None:
    if not design.orders or not all(design.orders):
        raise ValueError("orders is empty, expected at least one list of blocks")
    for order in design.orders:
        for name in order:
            if name not in design.blocks:
                raise ValueError(
                    f"orders names block {name!r}, which is not in blocks"
                    f"{nearest(name, design.blocks)}"
                )
        if sorted(order) != sorted(design.orders[0]):
            raise ValueError(
                "the lists of orders hold different blocks, expected the same ones in another order"
            )
    for name in design.blocks:
        if name not in design.orders[0]:
            raise ValueError(f"block {name!r} is in no list of orders")
    for name in design.shuffled:
        if name not in design.blocks:
            raise ValueError(
                f"shuffled names block {name!r}, which is not in blocks"
                f"{nearest(name, design.blocks)}"
            )
    listed = [name for name in design.orders[0] if design.blocks[name].pool == OF_LIST]
    if len(listed) != len(design.practice.lists):
        raise ValueError(
            f"practice.lists has {len(design.practice.lists)} pools, expected one for each of the "
            f"{len(listed)} practice blocks with pool 'list'"
        )


def _check_groups(design: Design) -> None:
    if len(set(design.between)) != len(design.between) or len(design.between) == 1:
        raise ValueError(
            f"between is {list(design.between)}, expected two conditions or more, each once"
        )
    for name, block in design.blocks.items():
        if block.condition == OF_GROUP and not design.between:
            raise ValueError(f"block {name!r} has condition 'group', but between has no groups")
        for group in block.groups:
            if group not in design.between:
                raise ValueError(f"block {name!r} is for group {group!r}, which is not in between")
    for name in design.exclusions.groups:
        if name not in design.between:
            raise ValueError(f"exclusions.groups names {name!r}, which is not in between")


def _check_schemes(design: Design) -> None:
    if design.schemes and design.task != "two_afc":
        raise ValueError(f"schemes are for task two_afc, but task is {design.task}")
    for name, block in design.blocks.items():
        if block.pool == OF_SCHEME and not (design.schemes and design.schemes.pools):
            raise ValueError(f"block {name!r} has pool 'scheme', but schemes.pools has none")


def _check_block(design: Design, name: str, block: Block, condition: str) -> None:
    known = CONDITIONS_OF_TASK[design.task]
    if condition not in known:
        raise ValueError(
            f"block {name!r} has condition {condition!r}, expected one of "
            f"{', '.join(known)} for task {design.task}"
        )
    if block.catch and design.task == "two_afc" and condition == "none":
        raise ValueError(
            f"block {name!r}: a catch trial repeats a reference, so condition none cannot have any"
        )
    if block.catch_unrelated_pool and design.task != "occlusion":
        raise ValueError(
            f"block {name!r} has catch_unrelated_pool, which is for task occlusion, but task is "
            f"{design.task}"
        )
    rotation = design.batches.rotation
    if block.role == "main" and rotation and condition not in rotation:
        raise ValueError(
            f"block {name!r} has condition {condition!r}, which is not in batches.rotation"
        )


def _check_batches(design: Design) -> None:
    batches = design.batches
    within = {
        block.condition
        for block in design.blocks.values()
        if block.role == "main" and block.condition != OF_GROUP
    }
    if len(within) > 1 and not batches.rotation:
        raise ValueError(
            "batches.rotation is missing: with several conditions in the same batch a participant "
            "would see a query twice"
        )
    for what, batch in (("practice", batches.practice), ("catch", batches.catch)):
        if batch == "table" and design.units.table is None:
            raise ValueError(f"batches.{what} is table, but units has no table")
        shared = sorted(_pools(design, what) & _pools(design, "main"))
        if isinstance(batch, int) and batches.first_main <= batch <= batches.last_main and shared:
            raise ValueError(
                f"batches: {what} batch {batch} is one of the main batches as well, and both take "
                f"units of pool {shared[0]!r}"
            )


def _pools(design: Design, role: str) -> set[str]:
    """Return the pools that the units of a role's trials come from."""
    found: set[str] = set()
    for block in design.blocks.values():
        if role == "catch" and block.catch:
            found.add(block.catch_pool)
        if role == block.role:
            found.update(block.content(block.pool))
    if design.schemes and OF_SCHEME in found:
        found.update(design.schemes.pools)
    if OF_LIST in found:
        found.update(design.practice.lists)
    # A set of a pool is part of the pool.
    return {name.split(".")[0] for name in found}


def _check_repeats(design: Design) -> None:
    """Check that enough main trials come before each block that repeats some."""
    repeating = [n for n, block in design.blocks.items() if block.role == "repeat"]
    if bool(repeating) != bool(design.repeats):
        raise ValueError(
            "the key repeats and blocks of role repeat need each other, found only one of them"
        )
    if design.repeats is None:
        return
    if design.task == "exemplar_matching":
        raise ValueError(
            "repeats are chosen by confidence, which exemplar_matching does not ask for"
        )
    needed = design.repeats.least + design.repeats.most
    for order in design.orders:
        shown: dict[str, int] = {}
        for name in order:
            block = design.blocks[name]
            if block.role == "main":
                shown[block.condition] = shown.get(block.condition, 0) + sum(
                    block.content(block.pool).values()
                )
            if block.role == "repeat" and shown.get(block.condition, 0) < needed:
                raise ValueError(
                    f"block {name!r} repeats {needed} main trials with condition "
                    f"{block.condition!r}, but {shown.get(block.condition, 0)} come before it"
                )


def _check_task(design: Design) -> None:
    if design.task == "exemplar_matching":
        _check_matching(design)
    elif design.matching is not None:
        raise ValueError(f"matching is for task exemplar_matching, but task is {design.task}")
    if design.task == "occlusion":
        own = design.references
        if "max" not in own.poles:
            raise ValueError("references.poles lacks max, the only pole that occlusion shows")
        mixed = any("mixed" in design.conditions_of(b) for b in design.blocks.values())
        if mixed and not 0 < own.mixed_natural < own.per_side:
            raise ValueError(
                f"references.mixed_natural is {own.mixed_natural}, expected 1 to "
                f"{own.per_side - 1}, as per_side is {own.per_side}"
            )


def _check_matching(design: Design) -> None:
    if design.matching is None:
        raise ValueError("key 'matching' is missing, which task exemplar_matching needs")
    if design.confidence != "one_press":
        raise ValueError(
            "confidence is two_step, but exemplar_matching does not ask for confidence"
        )
    for name, block in design.blocks.items():
        if block.catch or block.draw or block.extra_trial:
            raise ValueError(
                f"block {name!r}: exemplar_matching allows no catch, draw or extra_trial"
            )


def _check_layout(design: Design) -> None:
    """Check that some screen holds the images; only a session knows the size of letters on it."""
    unit = design.layout.unit
    width, height = _size_of_images(design)
    most_width, most_height = LARGEST_SCREEN[unit]
    if width > most_width or height > most_height:
        raise ValueError(
            f"layout: the images alone need {width:g} x {height:g} {unit}, but no screen has more "
            f"than {most_width} x {most_height}; make image, gap or the distances smaller"
        )
    if design.task == "two_afc" and 2 * design.layout.query_offset < design.layout.image:
        raise ValueError(
            f"layout: the queries overlap, as query_offset is {design.layout.query_offset:g}; "
            f"expected at least half of image, {design.layout.image / 2:g}"
        )


def _size_of_images(design: Design) -> tuple[float, float]:
    """Return width and height of what a trial's images need, in the layout's unit."""
    layout = design.layout
    image, gap = layout.image, layout.gap

    def span(number: int) -> float:
        return number * (image + gap) - gap

    if design.matching is not None:
        rows, halves = design.matching.n_rows, max(design.matching.n_images)
        return 2 * span(halves) + layout.separation, rows * (image + 2 * gap) - 2 * gap
    if design.task == "occlusion":
        return span(3) + layout.separation + 2 * image + gap, span(3)
    sides = [design.references, *(design.schemes.references.values() if design.schemes else ())]
    per_side = max(one.per_side for one in sides)
    columns = math.ceil(math.sqrt(per_side))
    width, height = (2 * layout.query_offset + image, image)
    if layout.queries == "vertical":
        width, height = height, width
    if per_side and set(design.conditions) - {"none"}:
        width = max(width, 2 * layout.reference_offset + span(columns))
        height = max(height, span(math.ceil(per_side / columns)))
    return width, height


def _check_names(design: Design) -> None:
    if design.withdrawal_until and not design.consent:
        raise ValueError(
            "withdrawal_until is said on the consent page, but there is none: consent is false"
        )
    for page in design.instructions:
        if page not in PAGE_NAMES:
            raise ValueError(f"instructions names page {page!r}{nearest(page, PAGE_NAMES)}")
    if ("explanation" in design.instructions) != bool(design.explanation):
        raise ValueError(
            "the key explanation and the page explanation of instructions need each other, found "
            "only one of them"
        )
    for question in design.questions:
        if question not in QUESTION_NAMES:
            raise ValueError(
                f"questions names {question!r}{nearest(question, QUESTION_NAMES)}; expected "
                f"{', '.join(QUESTION_NAMES)}"
            )
    if design.language not in languages():
        raise ValueError(
            f"language is {design.language!r}, expected one of {', '.join(languages())}"
        )
    for name in design.triggers.codes:
        event = name.partition(".")[0]
        if event not in EVENTS:
            raise ValueError(f"triggers.codes names {event!r}{nearest(event, EVENTS)}")
    sets = (design.keys, design.left_handed_keys)
    known = sorted({key for keys in sets if keys for key in _texts_in(asdict(keys))})
    for key in design.response_box.keys:
        if key not in known:
            raise ValueError(
                f"response_box.keys names {key!r}, which is none of the design's keys: "
                f"{', '.join(known)}"
            )
    for argument in design.window:
        if argument in OWN_ARGUMENTS:
            raise ValueError(f"window.{argument} cannot be set: the session sets it")


def _texts_in(value: object) -> set[str]:
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        value = tuple(value.values())
    return (
        {text for part in value for text in _texts_in(part)} if isinstance(value, tuple) else set()
    )
