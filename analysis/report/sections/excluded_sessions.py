"""Section: which rule excluded which session."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.report.section import Block, Cell, Items, Section, Sentence, Table
from analysis.report.study import RATINGS_ONLY, Results
from unitscope.exclusion import allowed
from unitscope.vocabulary import TASKS


def _blocks(_: Section, results: Results) -> Iterator[Block]:
    for group, rules in results.rules.items():
        if rules:
            if group:
                yield Sentence(f"In group {group}, in place of these:")
            yield Items([(rule.name, rule.sentence) for rule in rules])
        elif results.task == RATINGS_ONLY:
            yield Sentence(
                "Exclusion rules look at trials, so none applies to sessions of ratings alone."
            )
        elif not group:
            yield Sentence("The design gives no rule by which sessions are excluded.")
    if results.settings.blind is not None:
        yield Sentence("Any rules of one group alone are left out: they would tell its condition.")
    judged = results.tables["exclusions"]
    excluded = judged[judged["excluded"].astype(bool)].to_dict("records")
    if not excluded:
        yield Sentence("No session is excluded.")
        return
    headings = [Cell("Participant"), Cell("Session"), Cell("Rule", look="words"), Cell("Found")]
    yield Table(
        "Sessions that are excluded",
        [*headings, Cell("Allowed"), Cell("Trials looked at")],
        [
            [
                Cell(str(row["participant"])),
                Cell(str(row["session"])),
                Cell(row["rule"], look="words"),
                Cell(f"{row['value']:.3g}"),
                Cell(allowed(row["at_least"], row["at_most"]), look="whole"),
                Cell(str(row["n_trials"])),
            ]
            for row in excluded
        ],
    )
    yield Sentence(
        "The tables of accuracy and of differences also give the results without exclusions.", True
    )


EXCLUSIONS = Section("exclusions", "Exclusions", tasks=(*TASKS, RATINGS_ONLY), blocks=_blocks)
