"""A design in words, for the terminal and for the diagram of its blocks."""

from __future__ import annotations

from dataclasses import dataclass

from conditions.design.blocks import PlannedBlock
from conditions.design.design import Design
from unitscope.exclusion import rules_for
from unitscope.texts import replaced_texts

TASK_QUESTIONS = {
    "two_afc": "two-alternative forced choice: which query activates the unit more?",
    "occlusion": "occlusion: which partly covered copy of an image activates the unit more?",
    "exemplar_matching": "exemplar matching: which halves belong to the same row?",
}

SIGNS = {"practice": ".", "main": "#", "catch": "+", "repeat": "="}
"""Character that stands for a trial of a role in the terminal."""


@dataclass(frozen=True)
class Strip:
    """A block as overview and diagram show it.

    Parameters
    ----------
    number, name, condition, scheme
        Of the block at its place in a session.
    trials
        Role to number of trials, in the order of ``SIGNS``.
    rounds
        Maximum number of rounds of a practice block.
    """

    number: int
    name: str
    condition: str
    scheme: str
    trials: dict[str, int]
    rounds: int = 1

    @property
    def size(self) -> int:
        """Trials of one round."""
        return sum(self.trials.values())

    @property
    def text(self) -> str:
        """Number of trials of each role, in words."""
        words = [f"{number} {role}" for role, number in self.trials.items()]
        again = f", up to {self.rounds} rounds" if self.rounds > 1 else ""
        return " + ".join(words) + again


def strips_of(design: Design, participant: int) -> list[Strip]:
    """Return the blocks of a participant's session, in order."""
    return [_strip(design, block) for block in design.plan(participant)]


def _strip(design: Design, planned: PlannedBlock) -> Strip:
    block = planned.block
    trials: dict[str, int] = {
        block.role: sum(block.content(planned.pool, longer=planned.longer).values())
    }
    if block.role == "repeat" and design.repeats is not None:
        trials = {"repeat": design.repeats.least + design.repeats.most}
    if block.catch:
        trials["catch"] = block.catch
    rounds = design.practice.rounds if block.role == "practice" else 1
    return Strip(planned.number, planned.name, planned.condition, planned.scheme, trials, rounds)


def totals(strips: list[Strip]) -> dict[str, int]:
    """Return the number of trials of each role, one round of practice each."""
    found = {role: sum(strip.trials.get(role, 0) for strip in strips) for role in SIGNS}
    return {role: number for role, number in found.items() if number}


def describe(design: Design, participant: int) -> str:
    """Return a design in words, with the blocks of a participant's session, as plain text."""
    strips = strips_of(design, participant)
    head = f"{design.name}: {design.title}" + (f" ({design.source})" if design.source else "")
    facts = [f"{name:13} {text}" for name, text in facts_of(design, participant)]
    width = max(len(strip.name) for strip in strips)
    bars = []
    scheme = ""
    for strip in strips:
        if strip.scheme != scheme:
            scheme = strip.scheme
            bars.append(f"    {scheme}")
        bar = "".join(SIGNS[role] * number for role, number in strip.trials.items())
        bars.append(f"{strip.number:3} {strip.name:{width}} {strip.condition:9} {bar} {strip.text}")
    group = design.group(participant)
    whose = f"Blocks of participant {participant}" + (f", group {group}" if group else "")
    legend = ", ".join(f"{sign} {role}" for role, sign in SIGNS.items())
    return "\n".join([head, "", *facts, "", f"{whose} ({legend})", *bars])


def facts_of(design: Design, participant: int) -> list[tuple[str, str]]:
    """Return the main facts of a design, as pairs of a name and a text."""
    counted = totals(strips_of(design, participant))
    words = ", ".join(f"{number} {role}" for role, number in counted.items())
    until = design.withdrawal_until
    facts = [
        ("Task", TASK_QUESTIONS[design.task]),
        ("Participants", _participants(design)),
        ("Trials", f"{sum(counted.values())}: {words}"),
        ("Units", _units(design)),
        (("Rows", _rows(design)) if design.matching else ("References", _references(design))),
        ("Procedure", _around(design)),
        ("Answer", answers_of(design)),
        ("Left-handed", answers_of(design.for_hand("left")) if design.left_handed_keys else ""),
        ("Feedback", _feedback(design)),
        ("Texts", _texts(design)),
        ("Withdrawal", f"until {until}, as the consent page says" if until else ""),
        *_exclusions(design, participant),
    ]
    return [(name, text) for name, text in facts if text]


def _participants(design: Design) -> str:
    most = f"up to {design.participants}"
    if design.between:
        return f"{most}, in the groups {_joined(design.between)}"
    if design.matching:
        return f"{most}; each pairs natural with {_joined(design.conditions)} images"
    words = tuple("no" if name == "none" else name for name in design.conditions)
    return f"{most}; each has trials with {_joined(words)} references"


def _units(design: Design) -> str:
    if design.units.table is not None:
        return f"from {design.units.table}; images from stimulus set {design.stimulus_set}"
    drawn = ", ".join(f"{number} {pool}" for pool, number in design.units.sample.items())
    each = " for each depth" if design.matching else ""
    return f"{drawn}{each}, drawn from stimulus set {design.stimulus_set}"


def _references(design: Design) -> str:
    if not set(design.conditions) - {"none"}:
        return ""
    if design.schemes:
        return f"differ between schemes: {', '.join(design.schemes.references)}"
    poles = {"min": "least", "max": "most"}
    own = ["max"] if design.task == "occlusion" else design.references.poles
    sides = " and ".join(f"{design.references.per_side} {poles[pole]}" for pole in own)
    return f"{sides} activating images"


def _rows(design: Design) -> str:
    assert design.matching is not None
    numbers = _joined(tuple(map(str, design.matching.n_images)), "or")
    depths = "; ".join(
        f"{depth}: {', '.join(own)}" for depth, own in design.matching.depths.items()
    )
    return f"{design.matching.n_rows} rows, halves of {numbers} images; {depths}"


def _around(design: Design) -> str:
    parts = ["consent"] if design.consent else []
    opening, others = design.pages
    if opening:
        parts.append(f"pages {', '.join(opening)}")
    if design.ratings and design.ratings.before:
        parts.append(f"{design.ratings.before} ratings")
    if others and design.instructions:
        parts.append(f"pages {', '.join(others)}")
    parts.append("trials")
    if design.ratings and design.ratings.after:
        parts.append(f"{design.ratings.after} ratings")
    if design.questions:
        parts.append(f"{len(design.questions)} questions")
    if design.comment:
        parts.append("comment")
    return " > ".join(parts) if len(parts) > 1 else ""


def answers_of(design: Design) -> str:
    """Return what trials are answered with, in words."""
    keys = design.keys
    if design.task == "exemplar_matching":
        assert design.matching is not None
        by_key = f"keys {' '.join(keys.numbers[: design.matching.n_rows])}"
        by_key += f"; {keys.undo} undoes, {keys.confirm} confirms"
        by_mouse = "clicks on half rows, and on buttons that undo and confirm"
    elif design.confidence == "two_step":
        by_key = f"{keys.a[0]} or {keys.b[0]}, then confidence {' '.join(keys.confidence)}"
        by_mouse = "a click on the query, then one on the confidence 1 2 3"
    else:
        a, b = " ".join(reversed(keys.a)), " ".join(keys.b)
        by_key = f"{a} | {b}: choice and confidence (3 2 1 | 1 2 3) in one key press"
        by_mouse = "choice and confidence in one click on a number (1 2 3) beside the query"
    ways = {"keys": by_key, "mouse": by_mouse, "either": f"{by_key}; or {by_mouse}"}
    return ways[design.input]


def _feedback(design: Design) -> str:
    roles = [role for role in SIGNS if getattr(design.feedback, role)]
    shown = [role for role in roles if any(role in s.trials for s in strips_of(design, 1))]
    after = f"after {_joined(tuple(shown))} trials" if shown else "none"
    paced = "; a trial stays until the participant continues"
    return after + paced * design.durations.self_paced


def _texts(design: Design) -> str:
    """Say which texts are the study's own."""
    own = "; ".join(own_texts_in_words(design))
    return f"the study's own in {design.texts} ({own}); otherwise the suite's" if own else ""


def own_texts_in_words(design: Design) -> list[str]:
    """Return the texts that are the study's own, those of each language together."""
    by_language = replaced_texts(design.texts_folder) if design.texts_folder else {}
    return [
        f"{language}: {', '.join(name.removeprefix('pages.') for name in names)}"
        for language, names in by_language.items()
    ]


def _exclusions(design: Design, participant: int) -> list[tuple[str, str]]:
    rules = rules_for(design.exclusions.by_group, design.group(participant))
    return [("" if i else "Kept if", rule.sentence) for i, rule in enumerate(rules)]


def _joined(parts: tuple[str, ...], word: str = "and") -> str:
    return f"{', '.join(parts[:-1])} {word} {parts[-1]}" if len(parts) > 1 else "".join(parts)
