"""Power by simulation: it is the analysis' own test, holds its level and rises with the study."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from analysis.__main__ import main
from analysis.planning.power import Assumptions, power_table
from analysis.planning.power_choices import ChoiceStudy
from analysis.planning.power_matching import MatchingStudy
from analysis.planning.power_options import parse_numbers
from analysis.planning.trial_structure import conditions_in, main_trials_of, matching_trials_of
from analysis.statistics.contrasts import compare_conditions
from analysis.statistics.matching import matching_scores
from conditions.design.design import Design
from conditions.design.reading import find_design, read_design
from conditions.trials.planning import plan_trials
from conditions.trials.table_maker import TableMaker
from tests.conftest import some, write_stimulus_set
from unitscope.errors import BadInput
from unitscope.stimulus_set import StimulusSet
from unitscope.vocabulary import Unit

NO_EFFECT = {"none": 0.7, "natural": 0.7, "synthetic": 0.7}
NO_EFFECT_OF_ROWS = {"natural": 0.7, "synthetic": 0.7}


def test_accuracies_are_averages_over_participants_and_units() -> None:
    assumed = Assumptions({"natural": 0.9, "synthetic": 0.6}, 0.8, 1.0, 0.3, 0.4)
    plan = main_trials_of(read_design("borowski2021_exp1"), 30)
    plan = plan[plan["condition"] < 2]
    study = ChoiceStudy(plan, ["natural", "synthetic"], assumed, 0.1)
    rng = np.random.default_rng(3)
    right = np.mean([study._draw(rng, 50).mean(axis=1) for _ in range(20)], axis=0)
    for condition, accuracy in enumerate((0.9, 0.6)):
        assert right[plan["condition"] == condition].mean() == pytest.approx(accuracy, abs=0.01)


def test_the_plan_is_that_of_the_tables(stimulus_set: Path) -> None:
    """Who meets how many units in which condition is what a condition table has."""
    from conditions.trials.unit_pools import pools_of

    design = read_design("demo_two_afc")
    plan = main_trials_of(design, 4)
    pools = pools_of(design, StimulusSet.open(stimulus_set))
    conditions = conditions_in(design)
    assert conditions == ["natural", "synthetic", "none"]
    for participant in range(4):
        trials = [t for t in plan_trials(design, pools, participant + 1) if t.role == "main"]
        own = plan[plan["participant"] == participant]
        assert [conditions[c] for c in own["condition"]] == [t.block.condition for t in trials]
        assert own.groupby("condition")["unit"].nunique().tolist() == [6, 6, 6]


@pytest.mark.parametrize("name", ["demo_two_afc", "demo_occlusion"])
def test_the_test_is_that_of_the_report(name: str) -> None:
    design = read_design(name)
    conditions = conditions_in(design)
    plan = main_trials_of(design, 20)
    study = ChoiceStudy(plan, conditions, Assumptions(dict.fromkeys(conditions, 0.7)), 0.1)
    (p,) = study.p_values(np.random.default_rng(5), 1)
    answers = study._draw(np.random.default_rng(5), 50)[:, 0]
    log = pd.DataFrame(
        {
            "participant": plan["participant"].astype(str),
            "unit": plan["unit"].astype(str),
            "reference_condition": [conditions[c] for c in plan["condition"]],
            "correct": answers.astype(bool),
        }
    )
    expected = compare_conditions(log)
    np.testing.assert_allclose(p[0], expected["p"].to_numpy(float), rtol=1e-9)
    np.testing.assert_allclose(p[1], expected["p_equivalence"].to_numpy(float), rtol=1e-9)


def test_without_an_effect_one_study_in_twenty_finds_one() -> None:
    """Recovery: units and participants differ in the effect, so only a crossed test holds 5 %."""
    assumed = Assumptions(NO_EFFECT, participant_effect_sd=0.4, unit_effect_sd=0.5)
    design = read_design("borowski2021_exp1")
    table = power_table(design, assumed, [16], [20], simulations=400, seed=4)
    false_positives = table["power"].to_numpy()
    assert ((false_positives > 0.02) & (false_positives < 0.085)).all()
    assert (table["power_holm"] <= table["power"]).all()


@pytest.mark.slow
def test_power_rises_with_participants_units_and_effect() -> None:
    design = read_design("borowski2021_exp1")

    def found(effect: float, participants: int, units: int) -> float:
        assumed = Assumptions(NO_EFFECT | {"natural": 0.7 + effect})
        table = power_table(design, assumed, [participants], [units], simulations=100)
        return float(table["power"].iloc[0])

    middle = found(0.1, 14, 20)
    assert found(0.1, 5, 20) < middle < found(0.1, 40, 20)
    assert found(0.1, 14, 8) < middle < found(0.1, 14, 45)
    assert found(0.04, 14, 20) < middle < found(0.2, 14, 20)


def test_groups_of_participants_are_compared() -> None:
    design = read_design("zimmermann2021_occlusion")
    assumed = Assumptions(dict.fromkeys(design.conditions, 0.6) | {"natural": 0.9})
    table = power_table(design, assumed, [60], simulations=20).set_index(["first", "second"])
    assert len(table) == 10
    assert table.loc[("natural", "none"), "power"] > 0.8
    assert table.loc[("synthetic", "none"), "power"] < 0.3


def test_the_plan_of_matching_is_that_of_the_tables(tmp_path: Path) -> None:
    """Who meets which units together is what the tables have, but for the units' names."""
    design = read_design("demo_exemplar_matching")
    assert design.matching is not None
    layers = [layer for own in design.matching.depths.values() for layer in own]
    units = [Unit("toy", layers[i % len(layers)], "1x1", i) for i in range(15)]
    stimuli = write_stimulus_set(tmp_path / "toy", units=units, with_files=False)
    maker = TableMaker(design, StimulusSet.open(stimuli))
    tables = pd.concat({number - 1: maker.table(number) for number in range(1, 7)})
    tables = tables[tables["trial_role"] == "main"]
    plan = matching_trials_of(design, 6)
    assert plan["participant"].tolist() == tables.index.get_level_values(0).tolist()
    assert [conditions_in(design)[i] for i in plan["condition"]] == tables[
        "reference_condition"
    ].tolist()
    columns = ["unit_0", "unit_1", "unit_2"]
    pairs = set(zip(plan[columns].to_numpy().flat, tables[columns].to_numpy().flat, strict=True))
    assert len(pairs) == 6 == len({number for number, _ in pairs}) == len({n for _, n in pairs})


def test_accuracies_of_matching_are_averages_over_participants_and_units() -> None:
    design = read_design("klein2023_exemplar")
    study = MatchingStudy(design, 20, Assumptions({"natural": 0.8}, 0.8, 1.2, 0.3, 0.9), 0.1)
    drawn = study.draw(np.random.default_rng(3), 400)
    assert drawn.mean() == pytest.approx(0.8, abs=0.01)


def test_a_unit_of_matching_is_as_difficult_for_everybody() -> None:
    """Two halves of the participants find the same studies hard, as they met the same units."""
    design = read_design("demo_exemplar_matching")

    def of_halves(**spreads: float) -> np.ndarray:
        nothing = dict.fromkeys(("participant_sd", "participant_effect_sd"), 0.0)
        assumed = Assumptions({"natural": 0.6, "synthetic": 0.6}, **nothing | spreads)
        drawn = MatchingStudy(design, 60, assumed, 0.1).draw(np.random.default_rng(2), 200)
        return np.stack([drawn[:, :30].mean(axis=1), drawn[:, 30:].mean(axis=1)])

    shared = of_halves(unit_sd=1.5, unit_effect_sd=0.0)
    for condition in range(2):
        assert np.corrcoef(shared[..., condition])[0, 1] > 0.8
    effects = of_halves(unit_sd=0.0, unit_effect_sd=1.5)
    differences = effects[..., 0] - effects[..., 1]
    assert np.corrcoef(differences)[0, 1] > 0.8
    alike = of_halves(unit_sd=0.0, unit_effect_sd=0.0)
    assert abs(np.corrcoef(alike[..., 0])[0, 1]) < 0.25


def test_tests_of_matching_speak_for_these_units_only() -> None:
    """Without an effect on average, one of these units is found as soon as units differ in it."""
    design = read_design("demo_exemplar_matching")

    def found(unit_effect_sd: float) -> float:
        assumed = Assumptions(NO_EFFECT_OF_ROWS, unit_effect_sd=unit_effect_sd)
        table = power_table(design, assumed, [60], simulations=400)
        return float(table["power"].iloc[0])

    assert 0.02 < found(0) < 0.085
    assert found(0.6) > 0.2


def matching_log(shares: np.ndarray) -> pd.DataFrame:
    """Return a log with each participant's share of right trials, shape (people, conditions)."""
    rows = [
        (f"p{person}", condition, trial < round(4 * share))
        for person, own in enumerate(shares)
        for condition, share in zip(("natural", "synthetic"), own, strict=True)
        if np.isfinite(share)
        for trial in range(4)
    ]
    log = pd.DataFrame(rows, columns=["participant", "reference_condition", "correct"])
    return log.assign(unit="u", n_rows=3, hits=3 * log["correct"].astype(int))


@pytest.fixture
def matching_between_groups(tmp_path: Path) -> Design:
    """The demo's exemplar matching, each participant with one of the two kinds of trial."""
    data = yaml.safe_load(find_design("demo_exemplar_matching").read_text(encoding="utf-8"))
    data |= {"name": "between", "between": ["natural", "synthetic"]}
    data["blocks"] = {"main": {"role": "main", "condition": "group", "trials": 4}}
    data |= {"orders": [["main"]], "batches": {"practice": 0, "first_main": 1, "last_main": 4}}
    path = tmp_path / "between.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return read_design(path)


@pytest.mark.parametrize("between", [False, True])
def test_matching_is_tested_as_in_the_report(
    between: bool, matching_between_groups: Design
) -> None:
    design = matching_between_groups if between else read_design("demo_exemplar_matching")
    assumed = Assumptions({"natural": 0.6, "synthetic": 0.4})
    study = MatchingStudy(design, 12, assumed, 0.1)
    (p,) = study.p_values(np.random.default_rng(5), 1)
    log = matching_log(study.draw(np.random.default_rng(5), 50)[0])
    pair = compare_conditions(log, ci_unit="participant")
    found = matching_scores(log, by=("reference_condition",))
    expected = [pair["p"].iloc[0], *found.loc[found["score"] == "all_correct", "p"]]
    np.testing.assert_allclose(p[0], expected, rtol=1e-9)


def test_guessers_of_rows_are_seldom_found_above_chance() -> None:
    """Recovery: the level holds at chance, and power rises with accuracy and participants."""
    design = read_design("klein2023_exemplar")

    def found(accuracy: float, participants: int) -> pd.Series:
        # Who guesses does so for every unit alike.
        assumed = Assumptions({"natural": accuracy}, unit_sd=0, unit_effect_sd=0)
        return power_table(design, assumed, [participants], simulations=400).iloc[0]

    guessing = found(1 / 6, 20)
    assert 0.02 < guessing["power"] < 0.085
    assert guessing["difference"] == 0 and guessing["second"] == "chance"
    assert guessing["trials"] == 36
    assert guessing["power"] < found(0.2, 8)["power"] < found(0.2, 40)["power"]
    assert found(0.22, 20)["power"] > found(0.19, 20)["power"]


def test_a_seed_fixes_every_number() -> None:
    design = read_design("demo_two_afc")
    one, two, other = (
        power_table(design, Assumptions(NO_EFFECT), [12], simulations=60, seed=seed)
        for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(one, two)
    assert not one.equals(other)


def test_numbers() -> None:
    assert parse_numbers("participants", "10-60") == [10, 20, 30, 40, 50, 60]
    assert parse_numbers("participants", "10-20:5,7") == [7, 10, 15, 20]
    assert parse_numbers("participants", "30") == [30]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("demo_two_afc --participants ten", "found 'ten', expected such as 30"),
        ("demo_two_afc --participants 1", "participants is 1, expected 2 or more"),
        ("demo_two_afc --participants 900", "cannot be counterbalanced, expected 1 to 200"),
        ("demo_two_afc --effect 0.4", "accuracy of natural is 1.15, expected between 0 and 1"),
        ("demo_two_afc --accuracy naturl=0.8", "did you mean 'natural'?"),
        ("demo_two_afc --accuracy natural", "expected such as natural=0.85"),
        ("demo_two_afc --unit-sd=-1", "unit_sd is -1, expected 0 or more"),
        ("demo_two_afc --units 1", "units is 1, expected 2 or more"),
        ("demo_two_afc --units 9", "units is 9, expected at most 6"),
        ("demo_two_afc --simulations 0", "simulations is 0, expected 1 or more"),
        ("demo_exemplar_matching --units 3", "cannot be thinned out; leave it out"),
        ("demo_exemplar_matching --participants 900", "cannot be counterbalanced, expected 1 to"),
    ],
)
def test_bad_input_is_one_sentence(
    options: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["power", *options.split()]) == 2
    error = capsys.readouterr().err.split("\r")[-1].splitlines()
    assert len([line for line in error if expected in line]) == 1


def test_the_command_writes_table_and_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "power"
    command = ["power", "demo_two_afc", "--participants", "8,12", "--simulations", "10"]
    command += ["--units", "4,6", "--out", str(out)]
    assert main(command) == 0
    assert sorted(path.name for path in out.iterdir()) == ["power.csv", "power.png", "power.svg"]
    assert len(pd.read_csv(out / "power.csv")) == 2 * 2 * 3
    assert main(command) == 2
    assert "nothing is overwritten" in capsys.readouterr().err


def test_a_condition_without_accuracy_is_named() -> None:
    with pytest.raises(BadInput, match="no accuracy is assumed for reference condition 'none'"):
        power_table(
            read_design("demo_two_afc"), Assumptions({"natural": 0.8, "synthetic": 0.7}), [10]
        )


def test_it_says_after_which_exclusions_participants_are_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    design = read_design("zimmermann2021_occlusion")
    assert main(["power", design.name, "--participants", "10", "--simulations", "1"]) == 0
    said = capsys.readouterr().out
    for group, rules in some(design.exclusions.by_group.items()):
        own = said.split(f"Kept in group {group} if:" if group else "Kept if:")[1].split("Kept")[0]
        assert own.split("\n")[1:-1] == [f"  {rule.sentence}" for rule in some(rules)]


def test_equivalence_is_tested_against_the_designs_smallest_effect() -> None:
    design = read_design("demo_two_afc")
    assumed = Assumptions(NO_EFFECT)

    def power(**smallest: float) -> list[float]:
        stated = replace(design, **smallest)
        found = power_table(stated, assumed, [20], simulations=40)["power_equivalence"]
        return list(found)

    assert power() == power(smallest_effect=0.1)
    assert min(power(smallest_effect=0.5)) == 1 > max(power(smallest_effect=0.001))
