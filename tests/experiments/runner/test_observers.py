import numpy as np
import pytest
from PIL import Image

from experiments.runner.observers import OBSERVERS, make_observer, observer_kind
from experiments.runner.similarity import SimilarityObserver, image_features
from experiments.runner.simulated import ChanceObserver, GradedObserver, best_matching
from unitscope.columns import REFERENCE_COLUMN_NAMES
from unitscope.errors import BadInput


def row(number, condition="natural", **cells):
    return {
        "task": "two_afc",
        "trial_number": number,
        "trial_role": "main",
        "reference_condition": condition,
        "network": "toy",
        "layer": "mixed4a",
        "channel": number % 6,
        "correct_choice": "ab"[number % 2],
    } | cells


def test_graded_observer_has_the_accuracy_of_its_d_prime():
    from scipy.stats import norm

    observer = GradedObserver(1, {"natural": 1.5}, ability_sd=0, unit_sd=0)
    trials = [row(i) for i in range(4000)]
    answers = [observer.respond(trial) for trial in trials]
    right = np.array(
        [a.choice == t["correct_choice"] for a, t in zip(answers, trials, strict=True)]
    )
    assert right.mean() == pytest.approx(norm.cdf(1.5 / np.sqrt(2)), abs=0.02)
    confidence = np.array([answer.confidence for answer in answers])
    by_confidence = [right[confidence == c].mean() for c in (1, 2, 3)]
    assert by_confidence == sorted(by_confidence)
    rt_s = np.array([answer.rt_s for answer in answers])
    assert rt_s[confidence == 3].mean() < rt_s[confidence == 1].mean()


def test_graded_observer_is_at_chance_without_references():
    observer = GradedObserver(2)
    right = [
        observer.respond(t).choice == t["correct_choice"]
        for t in (row(i, "none") for i in range(4000))
    ]
    assert np.mean(right) == pytest.approx(0.5, abs=0.025)


def matching_row(number, n_rows=3, condition="natural", **cells):
    slots = np.random.default_rng(number).permutation(n_rows)
    return (
        row(number, condition, task="exemplar_matching", n_rows=n_rows)
        | {f"correct_slot_{i}": int(slot) for i, slot in enumerate(slots)}
        | {f"unit_{i}": f"mixed4a-{i:04d}" for i in range(n_rows)}
        | cells
    )


def hits(observer, trials):
    """Return the share of trials that are all right, and the mean number of right rows."""
    right = [
        [slot == trial[f"correct_slot_{i}"] for i, slot in enumerate(observer.respond(trial).slots)]
        for trial in trials
    ]
    return np.mean([all(each) for each in right]), np.mean([sum(each) for each in right])


def test_guesses_pair_as_chance_has_it():
    trials = [matching_row(number) for number in range(3000)]
    all_right, right = hits(ChanceObserver(4), trials)
    assert all_right == pytest.approx(1 / 6, abs=0.025)
    assert right == pytest.approx(1, abs=0.05)
    # Without anything to go by, the graded observer guesses as well.
    none = [matching_row(number, condition="none") for number in range(1500)]
    assert hits(GradedObserver(4), none)[0] == pytest.approx(1 / 6, abs=0.035)


def test_the_graded_observer_pairs_better_the_higher_its_d_prime():
    trials = [matching_row(number) for number in range(600)]
    shares = [
        hits(GradedObserver(1, {"natural": d}, ability_sd=0, unit_sd=0), trials)[0]
        for d in (0.5, 1.5, 4)
    ]
    assert shares[0] > 1 / 6
    assert shares[0] < shares[1] < shares[2]
    assert shares[2] > 0.95


def test_the_best_matching_takes_all_pairs_together():
    # Row 0 fits slot 0 best, but row 1 fits nothing else.
    assert best_matching(np.array([[5.0, 4.0], [4.0, 0.0]])) == (1, 0)
    assert best_matching(np.eye(5)[[3, 1, 4, 0, 2]]) == (3, 1, 4, 0, 2)


def test_the_same_trial_gets_the_same_answer():
    assert GradedObserver(5).respond(row(3)) == GradedObserver(5).respond(row(3))
    assert GradedObserver(5).respond(matching_row(3)) == GradedObserver(5).respond(matching_row(3))


@pytest.fixture
def pictures(tmp_path):
    """Red discs for the max side, green stripes for the min side, each in several versions."""
    y, x = np.mgrid[:64, :64]
    rng = np.random.default_rng(0)
    for i in range(10):
        cx, cy = rng.integers(20, 44, 2)
        disc = (x - cx) ** 2 + (y - cy) ** 2 < 15**2
        red = np.where(disc[..., None], [220, 30, 30], [120, 120, 120]).astype(np.uint8)
        Image.fromarray(red).save(tmp_path / f"max_{i}.png")
        stripes = (x + 3 * i) // 8 % 2 == 0
        green = np.where(stripes[..., None], [30, 200, 30], [120, 120, 120]).astype(np.uint8)
        Image.fromarray(green).save(tmp_path / f"min_{i}.png")
    return tmp_path


def shown(number, condition):
    cells = dict.fromkeys(REFERENCE_COLUMN_NAMES)
    if condition != "none":
        for pole in ("min", "max"):
            cells |= {f"reference_{pole}_{i}": f"{pole}_{i}.png" for i in range(9)}
    queries = ["max_9.png", "min_9.png"]
    a, b = queries if number % 2 == 0 else queries[::-1]
    return row(number, condition, query_a=a, query_b=b, **cells)


def test_similarity_observer_uses_the_pictures_and_nothing_else(pictures):
    observer = SimilarityObserver(1, pictures.joinpath)
    for number in range(20):
        trial = shown(number, "natural")
        answer = observer.respond(trial)
        assert answer.choice == trial["correct_choice"]
        # Were the answer key swapped, it would choose the same.
        swapped = trial | {"correct_choice": "ab"[1 - number % 2]}
        assert observer.respond(swapped) == answer


def test_similarity_observer_guesses_without_references(pictures):
    observer = SimilarityObserver(1, pictures.joinpath)
    trials = [shown(number, "none") for number in range(400)]
    right = [observer.respond(t).choice == t["correct_choice"] for t in trials]
    assert np.mean(right) == pytest.approx(0.5, abs=0.08)


def test_similarity_observer_follows_swapped_references(pictures):
    trial = shown(0, "natural")
    swapped = trial | {
        f"reference_{pole}_{i}": f"{other}_{i}.png"
        for pole, other in (("min", "max"), ("max", "min"))
        for i in range(9)
    }
    observer = SimilarityObserver(1, pictures.joinpath)
    assert observer.respond(trial).choice != observer.respond(swapped).choice


def test_similarity_observer_pairs_halves_that_look_alike(pictures):
    for number in range(10):
        trial = matching_row(number, n_rows=2, n_images=3)
        kinds = ["max", "min"]
        for i in range(2):
            for j in range(3):
                trial[f"left_{i}_{j}"] = f"{kinds[i]}_{j}.png"
                trial[f"right_{trial[f'correct_slot_{i}']}_{j}"] = f"{kinds[i]}_{5 + j}.png"
        answer = SimilarityObserver(1, pictures.joinpath).respond(trial)
        assert answer.slots == (trial["correct_slot_0"], trial["correct_slot_1"])


def test_similarity_observer_answers_the_occlusion_task(pictures):
    references = {f"reference_max_{i}": f"max_{i}.png" for i in range(9)}
    trial = row(1, task="occlusion", query_a="max_9.png", query_b="min_9.png", **references)
    assert SimilarityObserver(1, pictures.joinpath).respond(trial).choice == "a"


def test_image_features_have_one_shape(pictures):
    features = image_features(pictures / "max_0.png")
    assert features.shape == (100,)
    assert np.isfinite(features).all()
    Image.new("L", (31, 17)).save(pictures / "black.png")
    assert np.isfinite(image_features(pictures / "black.png")).all()


def test_an_unknown_observer_is_named(tmp_path):
    with pytest.raises(BadInput, match="no observer is named 'grated'; did you mean 'graded'"):
        make_observer("grated", 0, tmp_path.joinpath)


def test_every_observer_says_what_it_is_and_which_tasks_it_knows():
    kinds = {name: observer_kind(name, "occlusion") for name in OBSERVERS}
    assert kinds == {
        "graded": "simulated",
        "chance": "simulated",
        "ideal": "simulated",
        "lapsing": "simulated",
        "side_biased": "simulated",
        "similarity": "machine",
        "centre": "baseline",
        "variance": "baseline",
        "saliency": "baseline",
        "object": "baseline",
    }
    with pytest.raises(BadInput, match="'centre' cannot answer task 'two_afc', only occlusion"):
        observer_kind("centre", "two_afc")
