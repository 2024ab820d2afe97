"""External logs with all the dirt that they are known to hold."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from analysis.__main__ import main
from analysis.logs.imports import import_logs
from analysis.logs.load import load, load_log
from analysis.logs.mapping import Rule, read_mapping, shipped_mappings
from analysis.logs.ratings import load_ratings, load_study
from analysis.planning.analysis_settings import Settings
from analysis.report.analyse import analyse
from analysis.report.report import write_report
from analysis.report.section import Sentence
from analysis.report.sections.baseline_comparison import conventions
from analysis.report.sections.methods_paragraph import methods
from analysis.statistics.agreement import agreement, answers
from analysis.statistics.rating_means import by_participant, rating_means
from unitscope.errors import BadInput
from unitscope.tables import read_csv

UNITS = Path(__file__).parents[3] / "conditions" / "designs" / "units"


def borowski_rows(participant, rng, repeats=True):
    """One participant of experiment I: practice, main, catch and repeated trials."""
    rows = []

    def add(kind, instruction, layer, kernel, catch="False", old=("", "")):
        number = len(rows)
        right = bool(rng.random() < 0.8)
        correct_response = "ab"[rng.integers(2)]
        response = correct_response if right else "ab"["ab".index(correct_response) - 1]
        confidence = int(rng.integers(1, 4))
        rows.append(
            {
                "subject_id_within_expert_type": participant % 5,
                "trial_nr": number,
                "block_nr": number // 5,
                "instr_type": instruction,
                "trial_type": kind,
                "catch_trial": catch,
                "batch": participant,
                "layer": layer,
                "kernel_size": kernel,
                "channel": "channel_0",
                "correct": str(right),
                "conf_rating": confidence * (-1 if response == "a" else 1),
                "RT": f"{rng.lognormal(0.8, 0.4):.3f}",
                "timeout": "False",
                "response": response,
                "correct_response": correct_response,
                "query_image_a": f"{participant}_{number}_a.png",
                "query_image_b": f"{participant}_{number}_b.png",
                "old_trial_nr": old[0],
                "old_block_nr": old[1],
                "seed": 1,
                "unit_name": f"{layer}_{kernel}  ",
                "abs_conf_rating": confidence,
                "subject_id": participant,
            }
        )

    add("practice", "none_pre", "a", "b")
    for instruction in ("optimized", "natural", "none_post"):
        for place in range(6):
            add("main", instruction, f"layer_{place}", place % 4)
    add("main", "natural", "layer_1", 2, catch="True")
    if repeats:
        # Blank in most rows, so that a program writes the others as 3.0.
        add("repeated", "natural", "layer_2", 2, old=("8.0", "1.0"))
    return rows


@pytest.fixture
def borowski(tmp_path):
    rng = np.random.default_rng(1)
    table = pd.DataFrame([row for p in range(1, 5) for row in borowski_rows(p, rng)])
    table.loc[3, "RT"] = "-0.069"
    table.loc[5, "RT"] = "155.2"
    table.loc[7, "correct"] = "False" if table.loc[7, "correct"] == "True" else "True"
    table.loc[9, "abs_conf_rating"] = 7
    table.loc[0, "kernel_size"] = "b"
    table.loc[0, "trial_type"] = " practice "
    path = tmp_path / "exp1.csv"
    table.to_csv(path)  # with an index column without a name
    return path


def test_the_dirt_is_kept_flagged_and_counted(borowski, tmp_path):
    done = import_logs([borowski], read_mapping("borowski2021_exp1"), tmp_path / "out")
    assert done.n_participants == 4
    assert done.flags == {
        "contradicts_choice": 1,
        "long_rt": 1,
        "negative_rt": 1,
        "unknown_confidence": 1,
    }
    trials = load(tmp_path / "out")
    assert len(trials) == 4 * 21
    flagged = trials[trials["import_flags"].notna()].set_index("import_line")
    assert flagged.loc[5, "import_flags"] == "negative_rt"
    assert flagged.loc[5, "rt_s"] == -0.069
    assert flagged.loc[7, "rt_s"] == 155.2
    assert flagged.loc[9, "import_flags"] == "contradicts_choice"
    assert pd.isna(flagged.loc[11, "confidence"])
    assert trials["trial_role"].value_counts().to_dict() == {
        "main": 72,
        "practice": 4,
        "catch": 4,
        "repeat": 4,
    }
    assert set(trials["reference_condition"]) == {"none", "natural", "synthetic"}
    assert trials["layer"].iloc[0] == "a", "practice has letters for layers"
    assert set(trials["branch"].dropna()) == {"b", "1x1", "3x3", "5x5", "pool"}


def test_a_missing_response_is_no_wrong_one(borowski, tmp_path):
    table = pd.read_csv(borowski, dtype=str, keep_default_na=False)
    late = table.index[table["trial_type"] == "main"][[3, 30]]
    table.loc[late, ["response", "RT", "correct", "timeout"]] = ["", "", "False", "True"]
    table.to_csv(borowski, index=False)
    import_logs([borowski], read_mapping("borowski2021_exp1"), tmp_path / "out")
    trials = load(tmp_path / "out")
    assert trials["correct"].isna().sum() == 2 and trials["timed_out"].sum() == 2
    assert trials.loc[trials["timed_out"], "import_flags"].isna().all()


def test_logs_that_only_say_what_was_correct(tmp_path):
    rule = {"trial_role": {"constant": "main"}, "reference_condition": {"constant": "natural"}}
    rule |= {"correct_choice": {"constant": "a"}, "correct": {"column": "hit"}}
    mapping = {"name": "m", "title": "M", "design": "m", "participant": ["who"], "columns": rule}
    (tmp_path / "m.yaml").write_text(yaml.safe_dump(mapping))
    (tmp_path / "log.csv").write_text("who,hit\nx,1\nx,0\nx,\n")
    import_logs([tmp_path / "log.csv"], read_mapping(str(tmp_path / "m.yaml")), tmp_path / "out")
    correct = load(tmp_path / "out")["correct"]
    assert correct.dropna().tolist() == [True, False] and correct.isna().sum() == 1


def test_flags_and_methods_are_those_of_the_data(borowski, tmp_path, capsys):
    table = pd.read_csv(borowski, dtype=str, keep_default_na=False)
    practice = table["trial_type"].str.strip() == "practice"
    table.loc[practice, "channel"] = "b"  # as their practice units are called
    last = table.index[table["subject_id"] == "4"][-3:]
    table.drop(index=last).to_csv(borowski, index=False)
    out = tmp_path / "out"
    arguments = ["import", str(borowski), "--mapping", "borowski2021_exp1", "--out", str(out)]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "4 rows flagged unknown_channel in practice, catch or repeated trials" in said
    assert "1 rows flagged negative_rt\n" in said
    written = write_report(out, tmp_path / "report", Settings(ci_unit="paper", n_bootstrap=20))
    page = written.page.read_text(encoding="utf-8")
    assert "flagged practice, catch and repeated trials: 4 unknown_channel" in page
    # What the trials say, none of the 45 units and blocks of the design of this name.
    assert "Counted from the trials at hand, a session had 17 to 18 main trials (median 18)" in page
    assert "6 with natural references; 6 with synthetic references" in page
    assert "), and 1 practice trial, 1 catch trial and 1 repeated trial." in page
    assert "Borowski et al. (2021), experiment I (Borowski et al., ICLR 2021" in page
    for of_design in ("Trials were shuffled within", "Participants chose the one"):
        assert of_design not in page


def test_sides_are_turned_round(borowski, tmp_path):
    import_logs([borowski], read_mapping("borowski2021_exp1"), tmp_path / "out")
    theirs, ours = pd.read_csv(borowski), load(tmp_path / "out")
    ours = ours.sort_values("import_line")
    turned = theirs["response"].map({"a": "b", "b": "a"})
    assert ours["choice"].tolist() == turned.tolist()
    assert ours["query_a"].tolist() == theirs["query_image_b"].tolist()


def test_repeats_name_the_trial_that_they_repeat(borowski, tmp_path):
    import_logs([borowski], read_mapping("borowski2021_exp1"), tmp_path / "out")
    trials = load(tmp_path / "out")
    repeats = trials[trials["trial_role"] == "repeat"]
    # Numbered from 1 here, from 0 there.
    assert repeats["repeated_trial"].tolist() == [9] * 4


def test_kappa_is_not_defined_where_nobody_shares_a_trial(borowski, tmp_path):
    import_logs([borowski], read_mapping("borowski2021_exp1"), tmp_path / "out")
    main = load(tmp_path / "out").query("trial_role == 'main'")
    table = agreement(answers(main.assign(everybody="all"), "everybody"), 20)
    assert table["kappa"].isna().all()
    assert table["reason"].str.contains("no two observers share a trial").all()


@pytest.mark.slow
def test_a_report_is_made_of_imported_logs(borowski, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["import", str(borowski), "--mapping", "borowski2021_exp1", "--out", str(out)]) == 0
    assert "1 rows flagged negative_rt" in capsys.readouterr().out
    assert main(["report", str(out), "--out", str(tmp_path / "report")]) == 0
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "negative_rt" in page


def test_experiment_two_has_schemes_and_groups(tmp_path):
    rng = np.random.default_rng(2)
    table = pd.DataFrame(borowski_rows(1, rng, repeats=False))
    table["condition_name"] = ["Max-1", "Min-Max-9"] * (len(table) // 2)
    table["expert_level"] = "naive"
    table.to_csv(tmp_path / "exp2.csv", index=False)
    import_logs([tmp_path / "exp2.csv"], read_mapping("borowski2021_exp2"), tmp_path / "out")
    trials = load(tmp_path / "out")
    assert set(trials["scheme"]) == {"Max-1", "Min+Max-9"}
    assert set(trials["group"]) == {"lay"}


SERVER = "https://example.org/tasks/cf"


def occlusion_trial(rng, mode, task, response, layer, kernel, excluded, changed):
    """One row of the study's own table: main_data of the task, with what their notebook adds."""
    batch = task % 10
    pair = np.random.default_rng([layer, kernel, batch])  # the same for everybody
    switched = bool(rng.random() < 0.5)
    button = int(rng.integers(6))
    left = button < 3
    # Theirs: the image below whose buttons was pressed, in names that do not know of sides.
    choice = "ab"[left == switched]
    task_id = f"{mode}-{task}"
    queries = f"{SERVER}/{mode}/{task_id}/trials/trial_{2 * layer + kernel // 2}/queries"
    least, most = (f"{value:.12f}" for value in (pair.uniform(0, 2), pair.uniform(2, 5)))
    row = {
        "rt": f"{rng.uniform(800, 9000):.3f}",
        "stimulus": "null",
        "button_pressed": float(button),
        "switched_queries": switched,
        "confidence": button % 3 + 1,
        "choice": choice,
        "correct": choice == "b",
        "trial_type": "cf-image-confidence-response",
        "min_query": f"{queries}/min.png",
        "max_query": f"{queries}/max.png",
        "base_query": f"{queries}/base.png",
        "catch_trial": False,
        "is_demo": False,
        "response_index": response,
        "worker_id": f"A{task}SECRET",
        "task_number": task,
        "task_id": task_id,
        "mode": mode,
        "excluded_response": excluded,
        "batch": batch,
        "channel": "0",
        "kernel_size": kernel,
        "layer": layer,
        "base_query_activation": "6.000000000000",
        "min_query_activation": least,
        "max_query_activation": most,
    }
    for name in ("center_distance", "patch_std", "patch_saliency"):
        row[f"min_query_{name}"], row[f"max_query_{name}"] = pair.uniform(0, 1, 2)
    return row | changed


UNKNOWN = dict.fromkeys(("batch", "channel", "kernel_size", "layer"), "")


@pytest.fixture
def occlusion_table():
    """Two conditions, three tasks with each of two image sets; one response of all is excluded."""
    rng = np.random.default_rng(3)
    rows = []
    for mode in ("natural", "none"):
        for task in (1, 2, 11, 12, 21, 22):
            # The first response to one task was excluded, so that another was asked for.
            for response in (0, 1) if (mode, task) == ("natural", 11) else (0,):
                excluded = (mode, task, response) == ("natural", 11, 0)
                common = (rng, mode, task, response)
                for demo in range(4):
                    changed = UNKNOWN | {"is_demo": True, "trial_index": demo - 4}
                    rows.append(occlusion_trial(*common, 0, 1, excluded, changed))
                for layer in range(9):
                    for kernel in (1, 3):
                        rows.append(occlusion_trial(*common, layer, kernel, excluded, {}))
                for letter in "jtz":
                    changed = dict.fromkeys(("layer", "kernel_size", "channel"), letter)
                    changed |= {"catch_trial": True}
                    rows.append(occlusion_trial(*common, 0, 1, excluded, changed))
    return pd.DataFrame(rows)


def test_sides_come_from_the_buttons(occlusion_table, tmp_path):
    occlusion_table.to_csv(tmp_path / "z.csv")
    done = import_logs([tmp_path / "z.csv"], read_mapping("zimmermann2021"), tmp_path / "out")
    assert done.n_participants == 13 and done.flags == {} and done.other_flags == {}
    trials = load(tmp_path / "out")
    trials = trials[trials["observer_kind"] == "person"].sort_values("import_line")
    theirs = occlusion_table
    pressed_left = theirs["button_pressed"] < 3
    assert (trials["choice"] == "a").tolist() == pressed_left.tolist()
    # Theirs says which query was drawn at which side; no part of the mapping reads it.
    at_the_left = np.where(theirs["switched_queries"], "max.png", "min.png")
    assert trials["query_a"].tolist() == at_the_left.tolist()
    assert (trials["correct_choice"] == "a").tolist() == theirs["switched_queries"].tolist()
    assert trials["correct"].tolist() == theirs["correct"].tolist()
    assert trials["correct"].mean() == pytest.approx((theirs["choice"] == "b").mean())
    assert 0 < (trials["correct_choice"] == "a").mean() < 1
    sure = theirs["button_pressed"].map({0: 3, 1: 2, 2: 1, 3: 1, 4: 2, 5: 3})
    assert trials["confidence"].tolist() == sure.tolist()
    activation = np.where(
        theirs["switched_queries"], theirs["max_query_activation"], theirs["min_query_activation"]
    ).astype(float)
    assert trials["activation_a"].tolist() == pytest.approx(activation.tolist())
    counts = trials["trial_role"].value_counts().to_dict()
    assert counts == {"main": 13 * 18, "practice": 13 * 4, "catch": 13 * 3}
    units = set(trials.loc[trials["trial_role"] == "main", "unit"])
    shipped = read_csv_of_units("zimmermann2021")
    assert units == set(shipped[shipped["role"] == "main"]["name"])
    catch = set(trials.loc[trials["trial_role"] == "catch", "unit"])
    assert catch == set(shipped[shipped["role"] == "catch"]["name"])
    written = "".join(p.read_text() for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert "SECRET" not in written


def read_csv_of_units(name):
    units = pd.read_csv(UNITS / f"{name}.csv")
    number = units["channel"].map("{:04d}".format)
    return units.assign(name=units["layer"] + "-" + units["branch"] + "-" + number)


def kappa_of_study(one, two):
    """Kappa of two vectors of 18 trials, by the study's own formula."""
    observed = (one == two).mean()
    p1, p2 = one.mean(), two.mean()
    expected = p1 * p2 + (1 - p1) * (1 - p2)
    return (observed - expected) / (1 - expected)


def test_exclusions_and_baselines_are_the_studys_own(occlusion_table, tmp_path):
    occlusion_table.to_csv(tmp_path / "z.csv", index=False)
    out = tmp_path / "out"
    import_logs([tmp_path / "z.csv"], read_mapping("zimmermann2021"), out)
    results = analyse(load_log(out), Settings(n_bootstrap=20))
    judged = results.tables["exclusions"]
    assert set(judged["rule"]) == {"the study's own"} and judged["excluded"].sum() == 1
    told = methods(None, results)[-2]
    assert "rules: the study that the log comes from did not exclude the session. Bas" in told
    assert told.endswith("Baselines were never excluded.")
    main = occlusion_table.query("not is_demo and not catch_trial")
    kept = main[~main["excluded_response"]].copy()
    accuracy = results.tables["accuracy"].set_index("reference_condition")
    for mode, rows in kept.groupby("mode"):
        assert accuracy.loc[mode, "proportion"] == pytest.approx(rows["correct"].mean())
    # As their notebook has it.
    kept["centre"] = kept["max_query_center_distance"] > kept["min_query_center_distance"]
    kept["variance"] = kept["max_query_patch_std"] < kept["min_query_patch_std"]
    kept["saliency"] = kept["max_query_patch_saliency"] < kept["min_query_patch_saliency"]
    baselines = results.tables["baselines"].set_index("baseline")
    for name in ("centre", "variance", "saliency"):
        assert baselines.loc[name, "proportion"] == pytest.approx(kept[name].mean())
    vectors = {}
    for (mode, batch, task), rows in kept.groupby(["mode", "batch", "task_number"]):
        vectors[mode, batch, task] = rows.sort_values(["layer", "kernel_size"])
    table = results.tables["agreement"].set_index(["group_1", "group_2"])

    def pairs(first, second):
        for (one, a), (two, b) in itertools.combinations(vectors.items(), 2):
            if one[1] == two[1] and {one[0], two[0]} == {first, second}:
                yield kappa_of_study(a["correct"].to_numpy(), b["correct"].to_numpy())

    for first, second, number in (
        ("natural", "natural", 6),
        ("none", "none", 6),
        ("natural", "none", 18),
    ):
        found = list(pairs(first, second))
        assert len(found) == table.loc[(first, second), "n_pairs"] == number
        assert table.loc[(first, second), "kappa"] == pytest.approx(np.mean(found))
    against = [
        kappa_of_study(rows["correct"].to_numpy(), rows["saliency"].to_numpy())
        for (mode, _, _), rows in vectors.items()
        if mode == "natural"
    ]
    assert table.loc[("natural", "saliency"), "kappa"] == pytest.approx(np.mean(against))
    (note,) = conventions(results)
    assert isinstance(note, Sentence) and "by its own rules" in note.text


def test_logs_without_what_the_notebook_adds_are_imported_too(occlusion_table, tmp_path):
    added = [name for name in occlusion_table if "query_" in name or name == "excluded_response"]
    occlusion_table.drop(columns=added).to_csv(tmp_path / "z.csv", index=False)
    out = tmp_path / "out"
    import_logs([tmp_path / "z.csv"], read_mapping("zimmermann2021"), out)
    results = analyse(load_log(out), Settings(n_bootstrap=20))
    assert set(results.tables["exclusions"]["rule"]) == {"catch trials", "side bias"}
    assert set(results.log.trials["observer_kind"]) == {"person"}


CLASSES = ("bear", "cat", "oven", "truck")


def benchmark_log(subject, seed, missing=0):
    """One observer's log: names begin with trial, experiment, observer, condition and class."""
    rng = np.random.default_rng(seed)
    of_image = {  # The same images for everybody, each in one condition.
        f"n0{2000000 + 37 * number}_{number}.png": (("cr", "bw")[number % 2], CLASSES[number % 4])
        for number in range(120)
    }
    rows = []
    for trial, image in enumerate(rng.permutation(list(of_image)), start=1):
        condition, category = of_image[image]
        hard = int(image.partition("_")[2].removesuffix(".png")) % 3 == 0
        correct = rng.random() < (0.4 if hard else 0.85) - 0.15 * (condition == "bw")
        short = {"subject": f"s{subject[-2:]}"}.get(subject[:7], "dnn")
        rows.append(
            {
                "subj": subject,
                "Session": 1,
                "trial": trial,
                "rt": rng.uniform(0.4, 1.4) if subject.startswith("subject") else "NaN",
                "object_response": category if correct else "dog",
                "category": category,
                "condition": condition,
                "imagename": f"{trial:04d}_cl_{short}_{condition}_{category}_40_{image}",
            }
        )
    for row in rows[:missing]:
        row["object_response"], row["rt"] = "na", "NaN"
    return pd.DataFrame(rows)


def error_consistency(one, two):
    """Kappa of two logs of one condition, by the benchmark's own formula and image names."""

    def of_images(log):
        images = [
            "_".join(parts[-2:]) if parts[-2].startswith("n0") else parts[-1]
            for parts in log["imagename"].str.split("_")
        ]
        right = (log["object_response"] == log["category"]).to_numpy()
        return pd.Series(right, images)[(log["object_response"] != "na").to_numpy()]

    both = pd.concat([of_images(one), of_images(two)], axis=1, join="inner").to_numpy()
    p1, p2 = both.mean(0)
    expected = p1 * p2 + (1 - p1) * (1 - p2)
    return ((both[:, 0] == both[:, 1]).mean() - expected) / (1 - expected)


def test_error_consistency_is_the_benchmarks_own(tmp_path):
    logs = {
        "subject-01": benchmark_log("subject-01", 1, missing=5),
        "subject-02": benchmark_log("subject-02", 2).rename(columns={"Session": "session"}),
        "subject-03": benchmark_log("subject-03", 3),
        "alexnet": benchmark_log("alexnet", 4),
    }
    for subject, log in logs.items():
        log.to_csv(tmp_path / f"colour_{subject}_session_1.csv", index=False)
    files = sorted(tmp_path.glob("*.csv"))
    done = import_logs(files, read_mapping("model_vs_human"), tmp_path / "out")
    assert done.flags == {}, "a network has no reaction times"
    trials = load(tmp_path / "out")
    assert trials["observer"].dropna().unique().tolist() == ["alexnet"]
    assert trials["correct"].isna().sum() == 5, "no response is no wrong one"
    assert set(trials["query_a"].str.count("_")) == {1}
    table = agreement(answers(trials), 50).set_index(["group_1", "group_2"])
    people = [name for name in logs if name != "alexnet"]
    for condition in ("bw", "cr"):
        of = {name: log[log["condition"] == condition] for name, log in logs.items()}
        pairs = [error_consistency(of[a], of[b]) for a, b in itertools.combinations(people, 2)]
        within = table.loc[(condition, condition)]
        assert within["kappa"] == pytest.approx(np.mean(pairs), abs=1e-12)
        assert within["n_pairs"] == 3
        machine = [error_consistency(of["alexnet"], of[name]) for name in people]
        against = table.loc[("alexnet", condition)]
        assert against["kappa"] == pytest.approx(np.mean(machine), abs=1e-12)
        assert (against["n_pairs"], against["n_observers_1"]) == (3, 1)


def test_conditions_of_ones_own_are_named_in_the_headline(tmp_path):
    for number in range(1, 4):
        log = benchmark_log(f"subject-{number:02d}", number)
        log.to_csv(tmp_path / f"{number}.csv", index=False)
    out = tmp_path / "out"
    import_logs(sorted(tmp_path.glob("*.csv")), read_mapping("model_vs_human"), out)
    written = write_report(out, tmp_path / "report", Settings(n_bootstrap=20))
    assert written.sentences[0].startswith("In condition bw people were correct in")
    page = written.page.read_text(encoding="utf-8")
    assert "without references" not in page and "Object recognition by people" in page
    # Conditions that are no references are not called so: headings, effects and facts.
    assert not re.search("<th[^>]*>References</th>", page) and ">Condition</th>" in page
    assert ">condition</td>" in page and "unknown" not in page.partition("</header>")[0]
    # Nobody gave a confidence, so that nothing is said of it.
    assert "Metacognitive" not in page and ">Confidence</th>" not in page
    blinded = analyse(load_log(out), Settings(n_bootstrap=20, blind=1))
    assert set(blinded.tables["accuracy"]["reference_condition"]) == {"A", "B"}
    assert set(blinded.log.trials["reference_condition"]) == {"A", "B"}


def test_nobody_is_left_out_for_being_always_right(tmp_path, capsys):
    frame = pd.DataFrame({"subj": "subject-01", "session": 1, "trial": range(1, 31), "rt": 0.9})
    frame = frame.assign(object_response="dog", category="dog", condition="cr")
    frame = frame.assign(imagename=[f"{n}.png" for n in range(30)])
    frame.to_csv(tmp_path / "one.csv", index=False)
    import_logs([tmp_path / "one.csv"], read_mapping("model_vs_human"), tmp_path / "out")
    results = analyse(load_log(tmp_path / "out"), Settings(n_bootstrap=20))
    judged = results.tables["exclusions"].set_index("rule")
    assert not judged["excluded"].any()
    assert "the same choice is always the correct one" in judged.loc["side bias", "reason"]
    assert np.isnan(results.chance)
    assert main(["report", str(tmp_path / "out"), "--out", str(tmp_path / "report")]) == 0
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "chance level is unknown" in page
    assert "ashed: chance" not in page
    assert "<h2>Differences</h2>" not in page


def test_ratings_are_imported(tmp_path):
    pd.DataFrame(
        {
            "subject_id": [1, 1, 2],
            "trial_name": ["a", "b", "a"],
            "trial_nr": [0, 1, 0],
            "rating": [-100, 0, 120],
            "rt": [3.2, -0.18, 4.0],
        }
    ).to_csv(tmp_path / "i.csv")
    mapping = read_mapping("borowski2021_intuitiveness")
    done = import_logs([tmp_path / "i.csv"], mapping, tmp_path / "out")
    assert done.flags == {"negative_rt": 1, "rating_out_of_range": 1}
    ratings = read_csv(tmp_path / "out" / "sub-p001" / "ses-01" / "ratings.csv", mapping.ours())
    assert ratings["rating"].tolist() == [-100, 0]
    assert ratings["rating_number"].tolist() == [1, 2]


def rating_file(path, people, rng, **changed):
    """Ratings as they are published: an index without a name, each image once in any order."""
    rows = [
        {"subject_id": person, "trial_name": name, "trial_nr": number}
        | {"rating": int(rng.integers(-100, 101)), "rt": round(float(rng.lognormal(2, 0.4)), 4)}
        for person in people
        for name, number in zip("abc", rng.permutation(3), strict=True)
    ]
    table = pd.DataFrame(rows).astype(object)
    for column, (row, value) in changed.items():
        table.loc[row, column] = value
    table.to_csv(path)
    return table


def test_ratings_of_one_moment_are_not_compared(tmp_path):
    rating_file(tmp_path / "only.csv", range(1, 5), np.random.default_rng(4))
    import_logs([tmp_path / "only.csv"], read_mapping("borowski2021_intuitiveness"), tmp_path / "o")
    page = write_report(tmp_path / "o", tmp_path / "report").page.read_text(encoding="utf-8")
    for said in ("after minus before", "<th>After</th>", "Flagged ratings were", "variance"):
        assert said not in page
    assert "<th>Before</th>" in page and "Intervals are over participants." in page


def test_odd_ratings_are_kept_and_flagged(tmp_path):
    rng = np.random.default_rng(5)
    rating_file(tmp_path / "one.csv", [3, 1], rng, rt=(0, -0.18), rating=(1, 140))
    dirty = rating_file(tmp_path / "two.csv", ["4.0 ", " 2"], rng, trial_name=(2, " d "))
    dirty.loc[0, "rating"], dirty.loc[1, "rating"] = "", "good"
    dirty.loc[3, "rt"] = 155.2
    dirty.loc[len(dirty)] = dirty.loc[4]
    dirty.to_csv(tmp_path / "two.csv")
    rating_file(tmp_path / "three_end.csv", [1, 2, 3, 4], rng)
    files = [tmp_path / f"{name}.csv" for name in ("one", "two", "three_end")]
    done = import_logs(files, read_mapping("borowski2021_intuitiveness"), tmp_path / "out")
    assert (done.n_rows, done.n_participants) == (6 + 7 + 12, 4)
    assert done.flags == {
        "long_rt": 1,
        "negative_rt": 1,
        "no_rating": 1,
        "rated_again": 1,
        "rating_out_of_range": 1,
        "unknown_image": 1,
        "unknown_rating": 1,
    }
    ratings = load_ratings(load_study(tmp_path / "out"))
    assert ratings.groupby("moment").size().to_dict() == {"before": 13, "after": 12}
    # Numbered by what was shown when, not by the file; 3 came first, so that it is p001.
    first = ratings[ratings["participant"] == "p001"].set_index(["moment", "image"])
    assert first.loc[("before", "b"), "rating"] == 140
    assert first.loc[("before", "a"), "rt_s"] == -0.18
    source = pd.read_csv(tmp_path / "three_end.csv")
    of_p001 = source[source["subject_id"] == 3].set_index("trial_name")
    for image in "abc":
        assert first.loc[("after", image), "rating"] == of_p001.loc[image, "rating"]
        assert first.loc[("after", image), "rating_number"] == of_p001.loc[image, "trial_nr"] + 1


def test_two_experiments_number_their_participants_anew(tmp_path):
    rng = np.random.default_rng(6)
    for name, people in (("I", [2, 1]), ("II", [1, 3, 2])):
        rating_file(tmp_path / f"experiment_{name}_beginning.csv", people, rng)
    rating_file(tmp_path / "experiment_II_end.csv", [3, 2, 1], rng)
    mapping = read_mapping("borowski2021_intuitiveness")
    done = import_logs(sorted(tmp_path.glob("*.csv")), mapping, tmp_path / "out")
    assert done.n_participants == 5 and done.flags == {}
    by_person = by_participant(load_ratings(load_study(tmp_path / "out")))
    assert by_person["difference"].notna().sum() == 3


@pytest.fixture
def trials_and_ratings(borowski, tmp_path):
    """Files of the same participants, who come in another order in each."""
    rng = np.random.default_rng(7)
    rating_file(tmp_path / "before.csv", [3, 4, 1, 2], rng)
    rating_file(tmp_path / "after.csv", [2, 1, 4, 9], rng)
    return [tmp_path / "after.csv", borowski, tmp_path / "before.csv"]


def test_ratings_beside_trials_are_of_the_same_participants(trials_and_ratings, tmp_path):
    out, files = tmp_path / "out", [str(file) for file in trials_and_ratings]
    mappings = ["--mapping", "borowski2021_intuitiveness", "--mapping", "borowski2021_exp1"]
    assert main(["import", *files, *mappings, "--out", str(out)]) == 0
    log = load_log(out)
    assert log.sessions["participant"].nunique() == 5
    ratings = load_ratings(log)
    for moment in ("before", "after"):
        source = pd.read_csv(tmp_path / f"{moment}.csv")
        for person in (1, 2, 4):  # The trials name 1 to 4 in this order.
            own = ratings.query(
                "participant == @code and moment == @moment",
                local_dict=locals() | {"code": f"p{person:03d}"},
            )
            theirs = source[source["subject_id"] == person]
            assert own["rating"].tolist() == theirs["rating"].tolist()
    # p003 rated before only, 9 has no trials.
    means = rating_means(ratings).set_index("moment")["n_participants"]
    assert means.to_dict() == {"before": 4, "after": 4, "difference": 3}


@pytest.mark.parametrize("blind", [[], ["--blind", "3"]])
def test_imported_ratings_are_reported(trials_and_ratings, tmp_path, blind, draw_only):
    draw_only("accuracy", "ratings")
    mappings = [read_mapping(name) for name in ("borowski2021_exp1", "borowski2021_intuitiveness")]
    out, report = tmp_path / "out", tmp_path / "report"
    import_logs(trials_and_ratings, mappings, out)
    assert main(["report", str(out), "--out", str(report), *blind]) == 0
    page = (report / "report.html").read_text(encoding="utf-8")
    assert "those before the trials from before.csv; those after the trials from after.csv" in page
    assert "1 of 5 participants with imported ratings have no trials" in page
    numbers = json.loads((report / "results.json").read_text(encoding="utf-8"))["numbers"]
    judged = pd.read_csv(report / "tables" / "exclusions.csv")
    left_out = set(judged.loc[judged["excluded"], "participant"])
    found = numbers["person.rating.difference"]["n_participants"]
    assert found == len({"p001", "p002", "p004"} - left_out) < 3
    image = "image 1" if blind else "a"
    assert f"person.rating_by_image.after.{image}" in numbers
    assert (report / "figures" / "ratings.svg").is_file()


@pytest.mark.parametrize("options", [[], ["--blind"], ["--paper"]])
def test_ratings_alone_are_reported(tmp_path, options, capsys):
    rng = np.random.default_rng(8)
    rating_file(tmp_path / "before.csv", range(1, 9), rng, rating=(4, 140), rt=(2, -0.18))
    rating_file(tmp_path / "after.csv", range(8, 0, -1), rng, trial_name=(0, "q"), rating=(5, ""))
    before, after = (pd.read_csv(tmp_path / f"{name}.csv") for name in ("before", "after"))
    out, report = tmp_path / "out", tmp_path / "report"
    files = [str(tmp_path / "before.csv"), str(tmp_path / "after.csv")]
    named = ["--mapping", "borowski2021_intuitiveness", "--out", str(out)]
    assert main(["import", *files, *named]) == 0
    assert main(["check", str(out)]) == 0
    assert "48 ratings, every cell valid" in capsys.readouterr().out
    assert main(["report", str(out), "--out", str(report), *options]) == 0
    assert "People rated how intuitive images look" in capsys.readouterr().out
    numbers = json.loads((report / "results.json").read_text(encoding="utf-8"))["numbers"]
    first = numbers["person.rating.before"]
    assert first["value"] == pytest.approx(before["rating"].mean())
    assert (first["n_ratings"], first["n_participants"]) == (24, 8)
    means = before.groupby("subject_id")["rating"].mean()
    half = 2 * means.std(ddof=0) / 8**0.5
    if "--paper" not in options:
        half = stats.t.ppf(0.975, 7) * stats.sem(means)
    assert first["high"] - first["value"] == pytest.approx(half)
    assert numbers["person.rating_in_range.before"]["value"] == pytest.approx(
        before.query("rating <= 100")["rating"].mean()
    )
    both = before.merge(after, on=["subject_id", "trial_name"]).dropna()
    change = both["rating_y"] - both["rating_x"]
    difference = numbers["person.rating.difference"]
    assert difference["value"] == pytest.approx(change.mean())
    assert difference["n_ratings"] == len(both) == 22
    flagged = {name.split(".")[-1]: n["value"] for name, n in numbers.items() if "flagged" in name}
    assert flagged == {
        "negative_rt": 1,
        "no_rating": 1,
        "rating_out_of_range": 1,
        "unknown_image": 1,
    }
    page = (report / "report.html").read_text(encoding="utf-8")
    assert "48 ratings and no trials in 8 sessions" in page
    assert "<h2>Accuracy</h2>" not in page and "<h2>Reaction times</h2>" not in page
    assert not re.search(r"\bnan\b|<NA>|\bNone\b", page)
    quality = (report / "quality.html").read_text(encoding="utf-8")
    assert "<td>140</td>" in quality and "rating_out_of_range" in quality
    for ending in ("svg", "pdf", "png"):
        assert (report / "figures" / f"ratings.{ending}").stat().st_size > 1000
    each = pd.read_csv(report / "tables" / "ratings_by_participant.csv")
    assert len(each) == 8 and each["n_before"].sum() == 24 and each["n_after"].sum() == 23


@pytest.mark.parametrize(
    ("files", "mappings", "message"),
    [
        (["other"], ["exp1", "intuitiveness"], "other.csv: none of its participants"),
        (["before"], ["intuitiveness", "intuitiveness_after"], "found those of borowski2021"),
        (["blank"], ["exp1", "intuitiveness"], "line 3: column 'subject_id' is blank"),
        ([], ["exp1", "intuitiveness"], "no file has the columns of the mapping 'borowski2021_int"),
        (["before"], ["exp1", "exp2"], "found those of none"),
    ],
)
def test_files_that_do_not_belong_together_are_named(
    trials_and_ratings, tmp_path, files, mappings, message
):
    rng = np.random.default_rng(9)
    rating_file(tmp_path / "other.csv", [77, 78], rng)
    rating_file(tmp_path / "blank.csv", [1, 2], rng, subject_id=(1, " "))
    paths = [trials_and_ratings[1], *(tmp_path / f"{name}.csv" for name in files)]
    if "exp1" not in mappings:
        paths = paths[1:]
    with pytest.raises(BadInput, match=message):
        import_logs(
            paths, [read_mapping(f"borowski2021_{name}") for name in mappings], tmp_path / "x"
        )
    assert not (tmp_path / "x").exists()


SESSION_NAMES = ["participant", "session"]


def builder_file(folder, participant, session, date, answers):
    """A csv file as PsychoPy itself writes it at a Builder experiment's end."""
    data = pytest.importorskip("psychopy.data")
    info = {"participant": participant, "session": session, "date": date, "expName": "mine"}
    name = str(folder / f"{participant}_mine_{date}")
    options = {"name": "mine", "extraInfo": info, "dataFileName": name, "autoLog": False}
    experiment = data.ExperimentHandler(**options, savePickle=False, saveWideText=False)
    experiment.addData("welcome.started", 0.5)
    experiment.nextEntry()
    conditions = [
        {"condition": condition, "corrAns": right, "layer": "mixed4a", "channel": channel}
        for condition in ("natural", "synthetic")
        for channel, right in enumerate(("left", "right"))
    ]
    for loop, n_rows in (("practice", 1), ("trials", 4)):
        rows = [row | {"trial_role": loop.replace("trials", "main")} for row in conditions]
        trials = data.TrialHandler2(
            name=loop, nReps=1, method="sequential", trialList=rows[:n_rows], autoLog=False
        )
        experiment.addLoop(trials)
        for row in trials:
            pressed = answers.pop(0) if loop == "trials" else "left"
            # A key that was not pressed is stored as Builder's code does, and counted as wrong.
            trials.addData("key_resp.keys", pressed)
            trials.addData("key_resp.corr", int(pressed == row["corrAns"]))
            if pressed is not None:
                trials.addData("key_resp.rt", 0.75)
            experiment.nextEntry()
        experiment.loopEnded(trials)
    path = folder / f"{participant}_{session}_{date}.csv"
    experiment.saveAsWideText(str(path), delim="comma")
    experiment.abort()
    return path


def test_a_file_that_builder_saved(tmp_path):
    right = ["left", "right", "left", "right"]
    files = [
        builder_file(tmp_path, "9", "2", "2026-03-02_10h00.00.000", right.copy()),
        builder_file(tmp_path, "9", "1", "2026-03-01_10h00.00.000", ["left", None, "right", "x"]),
        builder_file(tmp_path, "10", "1", "2026-03-01_11h00.00.000", right.copy()),
        builder_file(tmp_path, "10", "10", "2026-03-02_11h00.00.000", right.copy()),
        builder_file(tmp_path, "10", "9", "2026-03-03_11h00.00.000", right.copy()),
    ]
    out = tmp_path / "out"
    done = import_logs(files, read_mapping("psychopy_builder"), out)
    assert (done.n_rows, done.n_participants, done.n_sessions, done.skipped) == (25, 2, 5, 5)
    # Another key is no answer of this task.
    assert done.flags == {"no_choice": 1, "unknown_choice": 1} and done.other_flags == {}
    log = load_log(out)
    sessions = {key: rows.reset_index() for key, rows in log.trials.groupby(SESSION_NAMES)}
    first = sessions["p001", 1]
    assert first["trial_role"].tolist() == ["practice", *["main"] * 4]
    assert first["correct"].tolist()[:2] == [True, True]
    assert first["correct"].isna().tolist() == [False, False, True, False, True]
    assert not first["correct"][3]
    assert first["trial_number"].tolist() == [1, 2, 3, 4, 5]
    assert sessions["p001", 2]["correct"].all()
    # Sessions 1, 9 and 10, by their numbers and not as text.
    files_of = [sessions["p002", number]["import_file"][0] for number in (1, 2, 3)]
    assert [name.split("_")[1] for name in files_of] == ["1", "9", "10"]
    results = analyse(log, Settings(ci_unit="paper", n_bootstrap=20))
    accuracy = results.tables["accuracy_all_sessions"].set_index("reference_condition")
    assert accuracy.loc["natural", "n_trials"] == 9 and accuracy.loc["natural", "n_right"] == 9
    assert accuracy.loc["synthetic", "n_trials"] == 9 and accuracy.loc["synthetic", "n_right"] == 8


JSPSYCH = """\
"rt","stimulus","response","trial_type","trial_index","plugin_version","time_elapsed",\
"subject_id","condition","correct_response","query_a","query_b","trial_role"
"1500","<p>Which ""image""?</p>","null","html-keyboard-response","0","2.0.0","1600","s7","","","",\
"",""
"812.4","","0","image-button-response","1","2.0.0","3000","s7","natural","0","x.png","y.png",\
"practice"
"900","","1","image-button-response","2","2.0.0","4000","s7","natural","0","x.png","y.png","main"
"null","","null","image-button-response","3","2.0.0","5000","s7","synthetic","1","x.png","y.png",\
"main"
"700","","1","image-button-response","4","2.0.0","6000","s7","synthetic","1","x.png","y.png","main"
"""

JSPSYCH_6 = """\
"rt","stimulus","key_press","trial_type","trial_index","time_elapsed","subject","condition",\
"correct_response"
"655.1","a.png",70,"image-keyboard-response",0,700,3,"natural","f"
"null","a.png","null","image-keyboard-response",1,2700,3,"natural","j"
"""


def test_files_of_jspsych(tmp_path):
    (tmp_path / "new.csv").write_text(JSPSYCH.replace("\\\n", ""), encoding="utf-8")
    (tmp_path / "old.csv").write_text(JSPSYCH_6.replace("\\\n", ""), encoding="utf-8")
    files = [tmp_path / "new.csv", tmp_path / "old.csv"]
    done = import_logs(files, read_mapping("jspsych"), tmp_path / "out")
    assert (done.n_rows, done.n_participants, done.skipped, done.flags) == (6, 2, 1, {})
    trials = load(tmp_path / "out").sort_values(["import_file", "import_line"])
    assert trials["choice"].fillna("-").tolist() == ["a", "b", "-", "b", "a", "-"]
    assert trials["correct"].astype(object).where(trials["correct"].notna(), "-").tolist() == [
        *(True, False, "-", True),
        *(True, "-"),
    ]
    assert trials["rt_s"].dropna().tolist() == pytest.approx([0.8124, 0.9, 0.7, 0.6551])
    assert trials["trial_role"].tolist() == ["practice", *["main"] * 5]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("channel_.*", "has no groups in parentheses, expected one"),
        ("(a)(b)", "has 2 groups in parentheses"),
        ("(a", "cannot be matched"),
        (r"(a)(?=b)", "cannot be matched"),
        (r"(a)\1", "cannot be matched"),
    ],
)
@pytest.mark.parametrize("key", ["pattern", "studies"])
def test_a_pattern_that_cannot_be_used_is_one_sentence(tmp_path, capsys, key, pattern, message):
    rule = {"column": "x"} | ({"pattern": pattern} if key == "pattern" else {})
    mapping = {"name": "m", "title": "M", "design": "m", "participant": ["who"]}
    mapping |= {"columns": {"layer": rule}} | ({"studies": pattern} if key == "studies" else {})
    (tmp_path / "m.yaml").write_text(yaml.safe_dump(mapping))
    (tmp_path / "log.csv").write_text("who,x\n1,a\n")
    arguments = ["import", str(tmp_path / "log.csv"), "--mapping", str(tmp_path / "m.yaml")]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1


def test_patterns_take_linear_time():
    """Python's own engine would need 2 to the power of 5000 steps for this."""
    cells = pd.DataFrame({"x": pd.Series(["a" * 5000 + "b", "aaa", None, ""], dtype="string")})
    found = Rule(column="x", pattern="^((?:a+)+)$").apply(cells)
    assert found.tolist()[:2] == ["a" * 5000 + "b", "aaa"]
    assert found.isna().tolist() == [False, False, True, True]
    assert Rule(column="x", pattern="(b)").apply(cells)[0] == "b"


@pytest.mark.parametrize("name", shipped_mappings())
def test_shipped_mappings_are_valid(name):
    assert read_mapping(name).sources()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="RT"), "column 'RT' is missing"),
        (lambda t: t.assign(correct_response="c"), "column 'correct_choice' would be 'c'"),
        (lambda t: t.assign(instr_type="fourier"), "column 'reference_condition' would be"),
        (lambda t: t.assign(trial_type="demo"), "no row is one of those"),
    ],
)
def test_what_cannot_be_imported_gets_one_sentence(borowski, tmp_path, change, message):
    change(pd.read_csv(borowski, dtype=str)).to_csv(tmp_path / "bad.csv", index=False)
    with pytest.raises(BadInput, match=message):
        import_logs([tmp_path / "bad.csv"], read_mapping("borowski2021_exp1"), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / ".out.partial").exists()


def test_nothing_is_overwritten_and_unknown_names_are_helped(borowski, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    arguments = ["import", str(borowski), "--out", str(tmp_path / "out"), "--mapping"]
    assert main([*arguments, "borowski2021_exp1"]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main([*arguments, "borowski2021_exp"]) == 2
    assert "did you mean" in capsys.readouterr().err


def test_a_mapping_of_ones_own(tmp_path):
    mapping = {
        "name": "mine",
        "title": "Mine",
        "design": "mine",
        "participant": ["who"],
        "columns": {
            "trial_role": {"constant": "main"},
            "reference_condition": {"constant": "natural"},
            "correct_choice": {"constant": "a"},
            "choice": {"column": "pressed", "values": {"left": "a", "right": "b"}},
            "confidence": {"column": "sure", "absolute": True},
            "rt_s": {"column": "ms", "scale": 0.001},
        },
    }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(mapping))
    (tmp_path / "log.csv").write_text("who,pressed,sure,ms\nx,left,-2,900\nx,right,3,1100\n")
    import_logs([tmp_path / "log.csv"], read_mapping(str(tmp_path / "mine.yaml")), tmp_path / "out")
    trials = load(tmp_path / "out")
    assert trials["correct"].tolist() == [True, False]
    assert trials["confidence"].tolist() == [2, 3]
    assert trials["rt_s"].tolist() == [0.9, 1.1]
    mapping["columns"]["choise"] = {"constant": "a"}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(mapping))
    with pytest.raises(BadInput, match="'choise', none of ours; did you mean"):
        read_mapping(str(tmp_path / "mine.yaml"))
