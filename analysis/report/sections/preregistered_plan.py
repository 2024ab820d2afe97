"""Section: what a study did otherwise than it was preregistered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from analysis.logs.sessions import Log
from analysis.planning.preregistration import TO_WRITE, Preregistration, read_preregistration
from analysis.report.section import Block, Items, Section, Sentence
from analysis.report.study import RATINGS_ONLY, Results
from unitscope.vocabulary import TASKS


def deviations(results: Results, log: Log, file: Path | str) -> list[str]:
    """Say where a study is not what was preregistered.

    Parameters
    ----------
    results
        What the report shows.
    log
        What it was computed from.
    file
        The preregistration.

    Returns
    -------
    list of str
        One sentence each; empty where nothing deviates.

    Raises
    ------
    BadInput
        As for :func:`analysis.planning.preregistration.read_preregistration`.
    """
    planned = read_preregistration(file)
    found = list(_open_passages(Path(file)))
    found += _other_design(planned, log)
    found += _other_number(planned, results, log)
    found += _other_rules(planned, results)
    found += _other_settings(planned, results)
    return found


def _open_passages(file: Path) -> Iterator[str]:
    number = file.read_text(encoding="utf-8").count(f"[{TO_WRITE}")
    if number:
        yield f"{number} passages of the preregistration were never written."


def _other_design(planned: Preregistration, log: Log) -> Iterator[str]:
    if log.design != planned.design:
        yield f"The study ran design {log.design}, preregistered was {planned.design}."
        return
    ran = log.trials.groupby(["participant", "session"])["design_sha256"].first()
    others = ran[ran != planned.design_sha256]
    if len(others):
        yield (
            f"{len(others)} of {len(ran)} sessions ran with another version of the design "
            f"(SHA-256 {str(others.iloc[0])[:12]}, preregistered was {planned.design_sha256[:12]})."
        )


def _other_number(planned: Preregistration, results: Results, log: Log) -> Iterator[str]:
    if planned.participants is None:
        return
    own = results.groups[0].rows_of(log.sessions)
    number = own.loc[own["session_state"] == "completed", "participant"].nunique()
    if number != planned.participants:
        fewer = "fewer" if number < planned.participants else "more"
        yield (
            f"{abs(number - planned.participants)} {fewer} participants completed a session than "
            f"preregistered ({number}, preregistered were {planned.participants})."
        )


def _other_rules(planned: Preregistration, results: Results) -> Iterator[str]:
    applied = {
        group: [f"{rule.name}: {rule.sentence}" for rule in rules]
        for group, rules in results.rules.items()
    }
    for group in sorted({*applied, *planned.exclusions}):
        if results.settings.blind is not None and group:
            continue  # A blinded report does not tell groups apart.
        now = _by_meaning(applied.get(group, applied[""]))
        before = _by_meaning(planned.exclusions.get(group, planned.exclusions.get("", ())))
        of_whom = f" for group {group}" if group else ""
        for rule, sentence in before.items():
            if rule not in now:
                yield f"A preregistered exclusion rule{of_whom} was not applied ({sentence})."
        for rule, sentence in now.items():
            if rule not in before:
                yield f"An exclusion rule{of_whom} was not preregistered ({sentence})."


def _by_meaning(rules: Iterable[str]) -> dict[tuple[str, str], str]:
    """Return rules by name and what is allowed; the words between may be of another version."""
    return {(rule.partition(": ")[0], rule.rpartition(": ")[2]): rule for rule in rules}


def _other_settings(planned: Preregistration, results: Results) -> Iterator[str]:
    settings = results.settings
    for name, now, what in (
        ("ci_unit", settings.ci_unit, "Intervals speak for"),
        ("level", settings.level, "The level of intervals is"),
        ("smallest_effect", results.smallest_effect, "The smallest effect of interest is"),
    ):
        before = getattr(planned, name)
        if now != before:
            yield f"{what} {now}, preregistered was {before} ({name})."


def _blocks(_: Section, results: Results) -> Iterator[Block]:
    if results.deviations:
        yield Items([("", sentence) for sentence in results.deviations])
    elif results.deviations is not None:
        yield Sentence(
            "Nothing deviates from the preregistration: design, participants, exclusions and "
            "settings are as it says."
        )


PREREGISTRATION = Section(
    "preregistration", "Preregistration", tasks=(*TASKS, RATINGS_ONLY), blocks=_blocks
)
