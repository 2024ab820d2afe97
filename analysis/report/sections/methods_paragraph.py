"""The paragraphs on how the data came about and were analysed, from design and settings."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis.logs.sessions import imports_of, is_imported
from analysis.report.phrasing import chosen_points, joined, name_of, with_references
from analysis.report.section import Block, Section, Sentence
from analysis.report.study import RATINGS_ONLY, Results
from analysis.statistics.performance import conditions_of
from conditions.design.blocks import Block as DesignBlock
from conditions.design.design import Design
from unitscope.vocabulary import TASKS

_CI_UNITS = {
    "crossed": "generalise to new participants and new units",
    "participant": "generalise to new participants who meet the same units",
    "unit": "generalise to the same participants with new units",
    "trial": "generalise to new trials of the same participants and units",
    "paper": "are 2 SEM of the participants' means (ddof 0)",
}


def methods(design: Design | None, results: Results) -> list[str]:
    """Return paragraphs on how the data came about and were analysed."""
    paragraphs = []
    if results.settings.blind is not None:
        paragraphs.append(
            "Task and course of the sessions are described once the conditions have their names."
        )
    elif is_imported(results.log):
        paragraphs += _imported(results)
    elif design is not None:
        paragraphs += [_task(design), _course(design)]
    else:
        paragraphs.append(
            f"The design {results.log.design} is not at hand, so that only the analysis is "
            "described here."
        )
    paragraphs.append(_who(results))
    if results.task != RATINGS_ONLY:
        paragraphs.append(_analysis(results))
    if "ratings" in results.tables:
        paragraphs.append(_ratings(results))
    return paragraphs


def _imported(results: Results) -> Iterator[str]:
    """Yield what an imported log itself says of the study; its design may have been another."""
    for one in imports_of(results.log):
        source = f" ({one['source']})" if one["source"] else ""
        yield f"{one['title']}{source}, imported. {one['note']}".strip()
    trials = results.log.trials[results.log.trials["observer_kind"] == results.groups[0].kind]
    if trials.empty:
        return
    main = trials[trials["trial_role"] == "main"]
    sessions = trials[["participant", "session"]].drop_duplicates()
    told = []
    for condition in conditions_of(main):
        own = main[main["reference_condition"] == condition]
        number = len(own[["participant", "session"]].drop_duplicates())
        some = f" in {_counted(number, 'session')}" if number < len(sessions) else ""
        told.append(f"{_per_session(own)} {with_references(condition)}{some}")
    others = [
        _per_session(own, f"{word} trial")
        for role, word in (("practice", "practice"), ("catch", "catch"), ("repeat", "repeated"))
        if len(own := trials[trials["trial_role"] == role])
    ]
    open_ = int(main["correct"].isna().sum())
    yield (
        f"Counted from the trials at hand, a session had {_per_session(main, 'main trial')} "
        f"({'; '.join(told)})"
        + (f", and {joined(others)}" if others else "")
        + "."
        + (f" {_counted(open_, 'main trial')} had no response." if open_ else "")
    )


def _per_session(trials: pd.DataFrame, what: str = "") -> str:
    """Return how many trials a session has, if any: ``18 trials``, ``15 to 18 (median 18)``."""
    numbers = trials.groupby(["participant", "session"]).size()
    low, high, median = numbers.min(), numbers.max(), numbers.median()
    if low == high:
        return _counted(low, what) if what else str(low)
    return f"{low} to {high}{f' {what}s' if what else ''} (median {median:g})"


def _ratings(results: Results) -> str:
    flagged = "rating_flags" in results.tables
    moments = set(results.tables["ratings"]["moment"])
    level = f"{100 * results.settings.level:.0f} %"
    how = f"Intervals ({level}) are t intervals over participants"
    if results.settings.ci_unit == "paper":
        how = "Error bars are 2 SEM of the participants' means (ddof 0)"
    change = ""
    if "difference" in moments:
        change = (
            "; the difference is after minus before, of the images that a participant rated at "
            "both moments"
        )
    return (
        "Participants rated how intuitive images look, from −100 (not at all) to 100. Means are "
        f"pooled over ratings{change}. {how}."
        + (" Flagged ratings were kept as they were imported." if flagged else "")
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _task(design: Design) -> str:
    source = f" ({design.source})" if design.source else ""
    limit = design.durations.response_limit_s
    paced = "without a time limit" if limit is None else f"within {limit:g} s"
    told = {"two_afc": _two_afc, "occlusion": _occlusion, "exemplar_matching": _matching}
    return f"{design.title}{source}. {told[design.task](design, paced)}"


def _confidence(design: Design) -> str:
    press = {"keys": "key press", "mouse": "mouse click", "either": "key press or mouse click"}
    if design.confidence == "two_step":
        return f"gave their confidence from 1 to 3 with a second {press[design.input]}"
    return f"gave their confidence from 1 to 3 with the same {press[design.input]}"


def _within(design: Design) -> str:
    conditions = joined([name_of(c) for c in design.conditions])
    return f"{conditions} references, {'between' if design.between else 'within'} participants"


def _two_afc(design: Design, paced: str) -> str:
    placed = "one above the other" if design.layout.queries == "vertical" else "side by side"
    text = (
        f"In each trial two natural query images were shown, {placed}, of "
        "which one activates a unit of a network strongly and the other weakly. Participants "
        f"chose the one that they took to activate it more, {paced}, and {_confidence(design)}. "
    )
    if design.schemes:
        names = joined(list(design.schemes.references))
        text += f"The presentation schemes {names} fixed which reference images were shown; "
    else:
        references = design.references
        poles = {
            ("min", "max"): "least and the most activating",
            ("max",): "most activating",
            ("min",): "least activating",
        }.get(tuple(references.poles), "most and the least activating")
        sort = " of each sort" if len(references.poles) > 1 else ""
        text += f"{references.per_side} reference images{sort} showed the {poles} images; "
    return f"{text}there were {_within(design)}."


def _occlusion(design: Design, paced: str) -> str:
    return (
        "In each trial a natural image was shown, and below it two copies in each of which another "
        "square patch was covered with its mean colour. One of them activates a unit of a network "
        "more than the other. Participants chose the one that they took to activate it more, "
        f"{paced}, and {_confidence(design)}. Up to {design.references.per_side} reference images "
        f"showed what activates the unit most; there were {_within(design)}."
    )


def _matching(design: Design, paced: str) -> str:
    rows = design.matching
    numbers = joined([str(n) for n in rows.n_images], "or") if rows else "some"
    n_rows = rows.n_rows if rows else "several"
    by = {"keys": "keys", "mouse": "the mouse", "either": "keys or the mouse"}
    kinds = []
    if "natural" in design.conditions:
        kinds.append("other natural images of the same unit (exemplar)")
    if "synthetic" in design.conditions:
        kinds.append("synthetic images of it (feature visualization)")
    return (
        f"A trial had {n_rows} rows, each of one unit of a network. The left half of a row showed "
        f"{numbers} natural images that activate the unit strongly, the right half as many "
        f"{' or '.join(kinds)}; the right halves were shuffled. Participants paired the halves "
        f"with {by[design.input]}, {paced}."
    )


def _course(design: Design) -> str:
    blocks = [design.blocks[name] for name in design.order(1)]
    if design.between:
        return _course_between(design)
    main = [block for block in blocks if block.role == "main"]
    per_condition: dict[str, int] = {}
    for block in main:
        so_far = per_condition.get(block.condition, 0)
        per_condition[block.condition] = so_far + _n_trials(block)
    for planned in design.plan(1):
        if planned.longer:  # One of several blocks has a trial more.
            per_condition[planned.condition] += 1
    counts = joined([f"{n} {with_references(c)}" for c, n in per_condition.items()])
    practice = sum(_n_trials(block) for block in blocks if block.role == "practice")
    catch = sum(block.catch for block in blocks)
    units = sum(n for pool, n in design.units.sample.items() if pool == "main")
    of_units = f" about {_counted(units, 'unit')}" if units else ""
    if units and design.matching:
        of_units += " of each depth"
    order = _order(design)
    others = [_counted(practice, "practice trial")] if practice else []
    if catch:
        others.append(_catch(design, catch))
    again = sum(block.role == "repeat" for block in blocks)
    if again and design.repeats:
        number = again * (design.repeats.least + design.repeats.most)
        others.append(
            f"{_counted(number, 'repeated trial')} of those with the least and the most confidence"
        )
    told = f"{', ' if len(others) > 1 else ' and '}{joined(others)}" if others else ""
    roles = {"practice": practice, "main": 1, "catch": catch, "repeat": again}
    feedback = _feedback(design, [name for name, number in roles.items() if number])
    return (
        f"A session had {_counted(sum(per_condition.values()), 'main trial')}{of_units} "
        f"({counts}){told}.{_rounds(design)} Trials were shuffled within "
        f"blocks and {order}.{_pace(design)} Correct answers were shown {feedback}."
    )


def _rounds(design: Design) -> str:
    if not design.practice.until_all_right:
        return ""
    return (
        " Practice was repeated with other images until every answer was correct or "
        f"{design.practice.max_rounds} rounds were done."
    )


def _n_trials(block: DesignBlock) -> int:
    return block.trials or sum(block.draw.values())


def _catch(design: Design, number: int) -> str:
    """Return the number of catch trials and what they are."""
    easy = design.task == "occlusion"
    schemes = design.schemes.references.values() if design.schemes else [design.references]
    both = all(len(references.poles) == 2 for references in schemes)
    what = (
        "the answer was easy"
        if easy
        else "both queries were references of the trial"
        if both
        else "the query that activates the unit more was a reference of the trial"
    )
    return f"{_counted(number, 'catch trial')} ({what})"


def _pace(design: Design) -> str:
    """Return what is special about how a trial begins and ends."""
    seconds, told = design.durations.fixation_s, ""
    if seconds:
        told += f" Fixation lasted {seconds:g} s."
    if design.durations.self_paced:
        told += " Each trial stayed on the screen until the participant continued."
    return told


def _feedback(design: Design, roles: list[str]) -> str:
    """Return after which kinds of trial the correct answer was shown."""
    shown = [name for name in roles if getattr(design.feedback, name)]
    named = ["repeated" if name == "repeat" else name for name in shown]
    return f"after {joined(named)} trials" if named else "at no time"


def _order(design: Design) -> str:
    orders = len(design.orders)
    if orders > 1:
        return f"the order of blocks alternated between {orders} lists over participants"
    return "the order of blocks was the same for all"


def _course_between(design: Design) -> str:
    """Return the course of a session that differs between groups."""
    blocks = [planned.block for planned in design.plan(1)]
    main = sum(_n_trials(block) for block in blocks if block.role == "main")
    practised = [block for block in blocks if block.role == "practice"]
    practice = sum(_n_trials(block) for block in practised)
    catch = sum(block.catch for block in blocks)
    roles = dict.fromkeys(block.role for block in blocks) | ({"catch": None} if catch else {})
    feedback = _feedback(design, list(roles))
    parts = [_counted(main, "main trial")]
    if practice:
        without = [
            str(g) for g in design.between if not any(g in (b.groups or [g]) for b in practised)
        ]
        but = f" (none in group {joined(without)})" if without else ""
        parts.append(_counted(practice, "practice trial") + but)
    if catch:
        parts.append(_catch(design, catch))
    return (
        f"A session had {joined(parts)}.{_rounds(design)} "
        f"Trials were shuffled within blocks and {_order(design)}.{_pace(design)} Correct answers "
        f"were shown {feedback}."
    )


def _who(results: Results) -> str:
    sessions = results.tables["sessions"]
    parts = []
    for group in results.groups:
        own = group.rows_of(sessions)
        number = own["participant"].nunique()
        where = _online(own.merge(results.log.sessions[["participant", "session", "place"]]))
        parts.append(f"{group.label}: {number} in {_counted(len(own), 'session')}{where}")
    return f"Who took part – {'; '.join(parts)}. {_kept(results)}"


def _online(sessions: pd.DataFrame) -> str:
    """Say how many sessions were in participants' browsers, if any were."""
    number = int((sessions["place"] == "online").sum())
    if not number:
        return ""
    return f", {'all' if number == len(sessions) else number} of them online"


def _kept(results: Results) -> str:
    if results.task == RATINGS_ONLY:
        return "Exclusion rules look at trials, so none of these sessions was excluded."
    sessions = results.tables["sessions"]
    kinds = set(sessions["observer_kind"])
    told = []
    for group, rules in results.rules.items():
        if rules:
            of = f"in group {group} instead: " if group else ""
            told.append(of + "; ".join(rule.sentence for rule in rules))
    parts = ["No session was excluded by a rule."]
    if told:
        parts = [f"Sessions were kept if they passed these rules: {'; '.join(told)}."]
        all_rules = [rule for rules in results.rules.values() for rule in rules]
        if "simulated" in kinds and any("simulated" not in rule.kinds for rule in all_rules):
            parts.append("Times were asked of people only.")
        exempt = {"machine": "machine observers", "baseline": "baselines"}
        if others := [name for kind, name in exempt.items() if kind in kinds]:
            parts.append(f"{joined(others).capitalize()} were never excluded.")
    if (sessions["session_state"] == "unfinished").any():
        parts.append("Trials of unfinished sessions count as far as they go.")
    return " ".join(parts)


def _analysis(results: Results) -> str:
    settings = results.settings
    if results.task == "exemplar_matching":
        return _analysis_of_matching(results)
    whom = _CI_UNITS[settings.ci_unit]
    level = f"{100 * settings.level:.0f} %"
    how = {
        "crossed": (
            "Their variance is the sum of components for participants, units and what remains, "
            "estimated by the method of moments (a component estimated below zero counts as zero), "
            "with Satterthwaite's degrees of freedom. Intervals of accuracies are computed on the "
            "logit; where all or no answers are correct, there is a one-sided bound (Clopper & "
            "Pearson 1934)."
        ),
        "participant": "They are t intervals over participants, of accuracies on the logit.",
        "unit": "They are t intervals over units, of accuracies on the logit.",
        "trial": "They are Wilson's for accuracies, and Welch's over trials for differences.",
        "paper": "Tests are t tests over participants.",
    }[settings.ci_unit]
    interval = "Error bars" if settings.ci_unit == "paper" else f"Intervals ({level})"
    return (
        "Accuracy is the proportion correct pooled over main trials; practice, catch and "
        f"unanswered trials do not count. {interval} {whom}. {how} Differences are "
        f"taken {_compared(results)}; their p values are Holm-corrected over the pairs of "
        "conditions. Two one-sided tests, corrected likewise, ask whether a difference is smaller "
        f"than {chosen_points(results.smallest_effect)} percentage points, the smallest effect of "
        f"interest. {_TESTS} "
        "Bayes factors for a difference are JZS (Rouder et al. 2009) of the same t statistic, "
        f"with a Cauchy prior of scale √2/2 on the effect size d / (se √n), where d is the "
        f"difference, se its standard error and n the number of participants{_size(results)}."
    )


_TESTS = (
    "Tests of factors are of participants' means (of times, medians): analyses of variance with "
    "type III sums of squares and Greenhouse and Geisser's correction, and paired or Welch's t "
    "tests beside Wilcoxon's and Mann and Whitney's."
)


def _between(results: Results) -> bool:
    rows = results.tables["differences"]
    return "comparison" in rows.columns and bool((rows["comparison"] == "between").any())


def _size(results: Results) -> str:
    return " (of two groups, n1 n2 / (n1 + n2))" if _between(results) else ""


def _compared(results: Results) -> str:
    if not _between(results):
        return "within participants"
    rows = results.tables["differences"]
    how = "the errors over participants, as in Welch's test, and over units added; Clark 1973"
    if (rows["comparison"] == "between").all():
        return f"between participants ({how})"
    return (
        f"between participants where nobody met both conditions ({how}), else within participants"
    )


def _analysis_of_matching(results: Results) -> str:
    level = f"{100 * results.settings.level:.0f} %"
    differences = ""
    if len(results.tables["differences_all_sessions"]):
        differences = (
            " Differences between kinds are taken within participants; their p values are "
            "Holm-corrected."
        )
    return (
        "A trial is correct if all of its rows are paired correctly, and its hits are the share of "
        "rows that are. Both are means over main trials; practice does not count. Intervals "
        f"({level}) are t intervals over participants, of scores on the logit; where all or no "
        "rows are correct, there is a one-sided bound. Tests are t tests over participants, "
        f"against pairing at random.{differences} {_TESTS}"
    )


def _blocks(_: Section, results: Results) -> Iterator[Block]:
    yield from map(Sentence, methods(results.design, results))


METHODS = Section("methods", "Methods", tasks=(*TASKS, RATINGS_ONLY), blocks=_blocks)
