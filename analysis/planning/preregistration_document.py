"""A preregistration, written from the design of a study."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from analysis.planning.analysis_settings import Settings
from analysis.planning.preregistration import TO_WRITE, Preregistration
from analysis.statistics.estimates import significance
from conditions.design.design import Design
from conditions.design.overview import (
    TASK_QUESTIONS,
    answers_of,
    own_texts_in_words,
    strips_of,
    totals,
)
from unitscope.disk import write_file
from unitscope.errors import BadInput


def preregister(
    design: Design,
    out: Path | str,
    participants: int | None = None,
    settings: Settings | None = None,
) -> Path:
    """Write a preregistration of a design as Markdown.

    What no design can give, such as the hypotheses, is marked for the authors.

    Parameters
    ----------
    design
        Of the study.
    out
        File to make.
    participants
        People who are to complete a session; None leaves it to the authors.
    settings
        How the report will analyse.

    Raises
    ------
    BadInput
        If the file exists or cannot be written, or the design counterbalances fewer participants.
    """
    out = Path(out)
    if participants is not None and not 1 <= participants <= design.participants:
        raise BadInput(
            f"{design.path}: {participants} participants cannot be counterbalanced, expected 1 to "
            f"{design.participants}"
        )
    text = "\n".join(_document(design, participants, settings or Settings()))
    if out.exists():
        raise BadInput(f"{out}: exists already; give a new file, none is overwritten")
    write_file(out, text)
    return out


def _rules(design: Design) -> dict[str, tuple[str, ...]]:
    return {
        group: tuple(f"{rule.name}: {rule.sentence}" for rule in rules)
        for group, rules in design.exclusions.of_study.items()
    }


def _document(design: Design, participants: int | None, settings: Settings) -> Iterator[str]:
    block = Preregistration(
        design.name,
        design.sha256,
        settings.ci_unit,
        settings.level,
        settings.effect_of_interest(design),
        _rules(design),
        participants,
    )
    yield f"# Preregistration: {design.title}\n"
    yield _to_write("names of the authors, date, where this is registered")
    yield "## Hypotheses\n"
    yield _to_write(
        "what you expect, for which conditions, in which direction; which hypotheses are "
        "confirmatory and which exploratory; what result would count against them"
    )
    yield from _design(design)
    yield from _participants(design, participants)
    yield from _exclusions(block.exclusions)
    yield from _analyses(design, settings)
    yield "## For the report\n"
    yield (
        "`python -m analysis report DATA --preregistration THIS_FILE` reads this block and lists "
        "what deviates from it. Do not change it.\n"
    )
    yield f"```json preregistration\n{json.dumps(asdict(block), indent=2)}\n```\n"


def _design(design: Design) -> Iterator[str]:
    yield "## Design\n"
    source = f" It follows {design.source}." if design.source else ""
    yield f"Task: {TASK_QUESTIONS[design.task]}{source}\n"
    yield f"Answers: {answers_of(design)}.\n"
    yield f"The design is `{design.name}`; the SHA-256 of its file is `{design.sha256}`.\n"
    how = "between groups of participants" if design.between else "within participants"
    yield f"Reference conditions, compared {how}: {', '.join(design.conditions)}.\n"
    first = {design.group(p): p for p in range(max(1, len(design.between)), 0, -1)}
    yield "| group | condition | main trials | catch trials | practice | repeats |"
    yield "|---|---|---|---|---|---|"
    for group, participant in sorted(first.items(), key=lambda item: item[1]):
        strips = strips_of(design, participant)
        for condition in dict.fromkeys(strip.condition for strip in strips):
            number = totals([strip for strip in strips if strip.condition == condition])
            cells = [str(number.get(role, 0)) for role in ("main", "catch", "practice", "repeat")]
            yield f"| {group or 'all'} | {condition} | {' | '.join(cells)} |"
    yield ""
    practice = design.practice
    if practice.until_all_right:
        rounds = practice.max_rounds
        yield f"Practice is repeated until every answer is correct, at most {rounds} times.\n"
    yield "Counterbalancing, by the participant's number:\n"
    if design.between:
        yield f"- {len(design.between)} groups in turn;"
    if design.schemes:
        yield f"- {len(design.schemes.orders)} orders of the schemes of references in turn;"
    orders = len(set(design.orders))
    yield (
        f"- {orders} orders of blocks in turn;" if orders > 1 else "- one order of blocks for all;"
    )
    if design.shuffled:
        yield f"- the places of the blocks {', '.join(design.shuffled)} are drawn;"
    yield f"- main trials take their images from {design.batches.main_batches} batches in turn;"
    what = "the correct answer is on each side equally often"
    if design.sides == "drawn":
        what = "the side of the correct answer is drawn for each trial"
    if design.task == "exemplar_matching":
        what = "so are the slots of the correct halves"
    yield f"- in each block the order of trials is random and {what}; seed {design.seed}.\n"


def _participants(design: Design, participants: int | None) -> Iterator[str]:
    yield "## Participants\n"
    if participants is None:
        yield _to_write("how many participants, and when you stop")
    else:
        yield f"{participants} participants complete a session, before exclusions.\n"
        yield _to_write("when you stop if there are fewer, and whether those excluded are replaced")
    yield f"The design can counterbalance {design.participants}.\n"
    if design.consent:
        until = design.withdrawal_until
        day = f" until {until}, as the consent page says," if until else ""
        yield f"Participants consent on the screen. Data of those who withdraw{day} are left out.\n"
    if design.texts:
        yield "What they read differs from the suite's texts in:\n"
        yield from (f"- {one}" for one in own_texts_in_words(design))
        yield ""
    yield _to_write(
        "who can take part, how they are found and paid; why so many, such as the result of "
        f"'python -m analysis power {design.name}'"
    )


def _exclusions(rules: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    yield "## Exclusions\n"
    yield "A session is excluded if it breaks one of these rules; the report shows results with"
    yield "and without them. Sessions that were not completed count with the trials they have.\n"
    for group, sentences in rules.items():
        if group:
            yield f"In place of these, for group {group}:\n"
        yield from (f"- {sentence}" for sentence in sentences or ["no rule"])
        yield ""


def _analyses(design: Design, settings: Settings) -> Iterator[str]:
    share = f"{settings.level:.0%}"
    smallest = settings.effect_of_interest(design)
    yield "## Analyses\n"
    yield "- Main trials only; practice, catch and repeated trials do not count as results."
    yield "- Outcome: proportion correct in each reference condition."
    if settings.ci_unit == "paper":
        yield "- Intervals: two standard errors of participants' means."
    elif design.task == "exemplar_matching":
        yield f"- Intervals: {share}, over participants, as a trial is about several units."
    else:
        yield f"- Intervals: {share}, {settings.ci_unit}, with Satterthwaite's degrees of freedom."
    yield "- Every pair of conditions is compared; p values are corrected by Holm's method,"
    yield f"  and those below {significance(settings.level):g} count."
    yield f"- The smallest effect of interest is a difference of {smallest:g} in"
    yield "  accuracy: two one-sided tests (TOST) say whether a difference is smaller, and a JZS"
    yield "  Bayes factor quantifies the evidence for no difference."
    yield "- Besides, as papers report them: analyses of variance of participants' means (type"
    yield "  III, Greenhouse and Geisser's correction), and t, Wilcoxon's and Mann and Whitney's"
    yield "  tests of all pairs of a factor's levels (Holm).\n"
    if settings.stated_effect(design) is None:
        yield f"> The design states no smallest effect of interest; {smallest:g} is a default.\n"
    yield _to_write("further analyses, and why this effect is the smallest of interest")


def _to_write(what: str) -> str:
    return f"> **[{TO_WRITE}: {what}]**\n"
