"""The words of a session's pages, filled in for its design and its trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from conditions.design.design import Design
from experiments.runner.examples import example_panels, explanation_panels
from experiments.runner.pages import BACK_KEY, GAP, PageText
from experiments.runner.practice import practice_loops
from unitscope.row_types import TrialRow
from unitscope.rows import references
from unitscope.stimulus_set import StimulusSet
from unitscope.texts import Texts
from unitscope.vocabulary import POLES


class Wording:
    """Makes every page of a session.

    Parameters
    ----------
    texts
        In the session's language.
    design
        Keys and layout.
    rows
        The condition table.
    stimuli
        Where the images of examples come from.
    """

    def __init__(
        self, texts: Texts, design: Design, rows: Sequence[TrialRow], stimuli: StimulusSet
    ) -> None:
        self._texts = texts
        self._design = design
        self._rows = rows
        self._stimuli = stimuli
        # Later rounds of practice are shown only if they must be.
        self._expected = [row for row in rows if (row["practice_round"] or 1) == 1]
        self._parts = list(dict.fromkeys(row["block_number"] for row in self._expected))

    def consent(self) -> PageText:
        """Ask for consent."""
        keys, key = self._design.keys, self._texts.key
        hint = self._texts.agree.format(agree=key(keys.agree), decline=key(keys.decline))
        paragraphs = self._fill("consent").split("\n\n")
        if self._design.withdrawal_until and "{until}" not in self._texts.page("consent"):
            paragraphs.insert(-1, self._fill("withdrawal"))
        return PageText("consent", "\n\n".join(paragraphs), hint)

    def declined(self) -> PageText:
        """Take leave of somebody who does not want to take part."""
        return PageText("declined", self._fill("declined"), self._texts.end_hint)

    def instructions(self) -> tuple[list[PageText], list[PageText]]:
        """Explain the task, on the pages before and after the first ratings."""
        opening, others = (
            [page for name in names for page in self._named(name)] for names in self._design.pages
        )
        return self._with_hints(opening), self._with_hints(others)

    def _with_hints(self, pages: Sequence[PageText]) -> list[PageText]:
        return [
            PageText(page.name, page.text, self._hint(back=i > 0), page.panels)
            for i, page in enumerate(pages)
        ]

    def part(self, row: TrialRow, left: Sequence[TrialRow]) -> PageText:
        """Announce a block, or a round of practice, of which some trials are left."""
        name = "practice" if all(r["trial_role"] == "practice" for r in left) else "main"
        again = row["practice_round"] is not None
        limit = self._limit(row)
        if again and limit > 1:
            name = "practice_until_right"
        words = self._fill(name, trials=self._rounds(len(left)), limit=limit)
        paragraphs = [words, self._of_part(left)]
        if row["block_number"] in self._parts and len(self._parts) > 1:
            number = 1 + self._parts.index(row["block_number"])
            paragraphs.insert(0, self._fill("part", number=number))
        return self._page("part", *paragraphs, read_again=again)

    def again(self, row: TrialRow, right: int, trials: int) -> PageText:
        """Announce one more round of practice, which a row begins."""
        number, limit = row["practice_round"], self._limit(row)
        words = self._fill("again", right=right, trials=trials, number=number, limit=limit)
        return self._page("again", words, read_again=True)

    def practice_limit(self, right: int, trials: int) -> PageText:
        """Tell the participant to call the experimenter, as practice was never all correct."""
        texts, keys = self._texts, self._design.keys
        words = self._fill("practice_limit", right=right, trials=trials)
        experimenter = texts.experimenter.format(
            proceed=texts.key(keys.experimenter), leave=texts.key(keys.leave)
        )
        hint = GAP.join([self._read_again(), experimenter])
        return PageText("practice_limit", words, hint)

    def _limit(self, row: TrialRow) -> int:
        """Return how many rounds of practice there are at most where a row stands."""
        number = row["trial_number"]
        loops = (loop.rounds for loop in practice_loops(self._rows))
        return next((len(rounds) for rounds in loops if any(number in r for r in rounds)), 1)

    def rest(self, right: int, trials: int) -> PageText:
        """Offer a break, with the block's score if the design wants it."""
        paragraphs = [self._fill("rest")]
        if self._design.feedback.block_score:
            paragraphs.insert(0, self._fill("block_score", right=right, trials=trials))
        return self._page("break", *paragraphs)

    def resumed(self, done: int, *, trials_left: bool) -> PageText:
        """Welcome somebody back after a session was cut off."""
        name = "resumed" if trials_left else "resumed_questions"
        return self._page("resumed", self._fill(name, trial=done + 1))

    def ratings(self, moment: str, number: int) -> PageText:
        """Announce the ratings before or after the trials."""
        texts = self._texts
        assert self._design.ratings is not None
        pictures = texts.one_picture if number == 1 else texts.pictures.format(number=number)
        units = texts.one_unit if number == 1 else texts.units.format(number=number)
        words = self._fill(
            f"ratings_{moment}", self._design.ratings.kind, pictures=pictures, units=units
        )
        return self._page(f"ratings_{moment}", words)

    def end(self) -> PageText:
        """Thank the participant."""
        return PageText("end", self._fill("end"), self._texts.end_hint)

    def comment(self, name: str) -> str:
        """Return the question of a field to write in, and its hint."""
        texts = self._texts
        asked = texts.comment_question if name == "comment" else texts.page(name)
        return f"{asked}\n\n{texts.comment_hint}"

    def rating(self) -> str:
        """Return the question of a rating, the ends of its scale, and its hints."""
        texts, ratings = self._texts, self._design.ratings
        both = ratings is not None and ratings.kind == "both"
        key = texts.key(self._design.keys.forward)
        return "\n\n".join(
            [
                texts.rating_question_both if both else texts.rating_question,
                f"{texts.rating_lowest}{GAP}{texts.rating_highest}",
                texts.rating_unrated,
                texts.rating_rated.format(key=key),
            ]
        )

    def trial(self) -> str:
        """Return the short texts of all screens by their names, as trials show some of them."""
        texts = asdict(self._texts).items()
        return "\n".join(f"{name}: {words}" for name, words in texts if isinstance(words, str))

    def _named(self, name: str) -> list[PageText]:
        """Return the pages that an instruction's name stands for."""
        task = self._design.task
        if name == "references":
            return [PageText(name, self._all_references(), "")]
        if name == "example":
            return self._examples()
        if name == "explanation":
            return self._explanation()
        return [PageText(name, self._fill(name, task), "")]

    def _explanation(self) -> list[PageText]:
        """Show example units, one a page."""
        panels = explanation_panels(self._design, self._stimuli, self._texts)
        text = self._fill("explanation", self._design.task)
        return [PageText("explanation", text, "", own) for own in panels]

    def _examples(self) -> list[PageText]:
        pages = []
        for condition in self._conditions():
            like = next(row for row in self._rows if row["reference_condition"] == condition)
            panels = example_panels(self._rows, like, self._stimuli, self._texts)
            if panels and condition != "none":
                text = self._fill("example", *_kind(like))
                pages.append(PageText(f"example_{condition}", text, "", panels))
        return pages

    def _all_references(self) -> str:
        sentences = []
        for condition in self._conditions():
            rows = [row for row in self._rows if row["reference_condition"] == condition]
            kinds = {_kind(row) for row in rows if row["repeat_of"] is None}
            general = (self._design.task, condition)
            sentences.append(
                self._fill("references", *(kinds.pop() if len(kinds) == 1 else general))
            )
        heading = "references_several" if len(sentences) > 1 else "references"
        return "\n\n".join([self._fill(heading), *sentences])

    def _of_part(self, rows: Sequence[TrialRow]) -> str:
        """Say what helps in some trials."""
        sentences = {self._fill("references", *_kind(self._original(row))) for row in rows}
        return sentences.pop() if len(sentences) == 1 else self._fill("references_vary")

    def _original(self, row: TrialRow) -> TrialRow:
        """Return a row of the kind that a placeholder for a repeated trial will have."""
        if row["repeat_of"] is None:
            return row
        return next(
            (
                other
                for other in self._rows
                if other["trial_role"] == "main"
                and other["reference_condition"] == row["reference_condition"]
                and other["scheme"] == row["scheme"]
            ),
            row,
        )

    def _conditions(self) -> list[str]:
        return list(dict.fromkeys(row["reference_condition"] for row in self._rows))

    def _page(self, name: str, *paragraphs: str, read_again: bool = False) -> PageText:
        hint = self._hint()
        if read_again:
            hint = GAP.join([self._read_again(), hint])
        return PageText(name, "\n\n".join(paragraphs), hint)

    def _hint(self, *, back: bool = False) -> str:
        texts, forward = self._texts, self._design.keys.forward
        hints = [texts.go_on.format(key=texts.key(forward))]
        if back:
            hints.insert(0, texts.go_back.format(key=texts.key(BACK_KEY)))
        return GAP.join(hints)

    def _read_again(self) -> str:
        return self._texts.read_again.format(key=self._texts.key(BACK_KEY))

    def _rounds(self, number: int) -> str:
        texts = self._texts
        return texts.one_round if number == 1 else texts.rounds.format(number=number)

    def _fill(self, *names: str, **values: object) -> str:
        return self._texts.page(*names).format(**(self._values() | values))

    def _values(self) -> dict[str, object]:
        """Return what any text may name."""
        keys, key, parts = self._design.keys, self._texts.key, len(self._parts)
        return {
            "trials": len(self._expected),
            "parts": parts,
            "in_parts": self._texts.in_parts.format(parts=parts) if parts > 1 else "",
            "answer": self._answer() + self._paced(),
            "leave": key(keys.leave),
            "pause": key(keys.pause),
            "until": self._until(),
        }

    def _until(self) -> str:
        """Return the last day on which participants can withdraw; empty without one."""
        until = self._design.withdrawal_until
        if until is None:
            return ""
        year, month, day = until.isoformat().split("-")
        return self._texts.date.format(year=year, month=month, day=day)

    def _paced(self) -> str:
        """Say how to go on after an answer, if that is up to the participant."""
        design, texts = self._design, self._texts
        if not design.durations.self_paced:
            return ""
        forward = texts.key(design.keys.forward)
        return "\n\n" + texts.page("paced", design.input).format(forward=forward)

    def _answer(self) -> str:
        """Say which keys or clicks give an answer."""
        design, texts = self._design, self._texts
        keys, key = design.keys, texts.key
        if design.task == "exemplar_matching":
            text = texts.page(f"keys_matching_{design.input}")
            return text.format(undo=key(keys.undo), confirm=key(keys.confirm))
        vertical = design.task == "two_afc" and design.layout.queries == "vertical"
        pictures = {
            "picture_a": texts.picture_upper if vertical else texts.picture_left,
            "picture_b": texts.picture_lower if vertical else texts.picture_right,
        }
        if design.confidence == "two_step":
            levels = {f"confidence_{i}": key(k) for i, k in enumerate(keys.confidence, start=1)}
            text = texts.page("keys_two_step", design.input)
            return text.format(key_a=key(keys.a[0]), key_b=key(keys.b[0]), **pictures, **levels)
        return texts.page("keys_one_press", design.input).format(
            keys_a=" ".join(map(key, reversed(keys.a))),
            keys_b=" ".join(map(key, keys.b)),
            **pictures,
        )


def _kind(row: TrialRow) -> tuple[str, ...]:
    """Return what the text of a row's references depends on, the most general first."""
    shown = {pole: len(references(row, pole)) for pole in POLES}
    poles = [pole for pole, number in shown.items() if number]
    kind = [row["task"], row["reference_condition"]]
    if poles:
        kind.append("both" if len(poles) == 2 else poles[0])
        kind += ["one"] * (max(shown.values()) == 1)
    return tuple(kind)
