from datetime import date
from pathlib import Path

import pytest
import yaml

from conditions.design.overview import describe
from conditions.design.reading import find_design, read_design, shipped_designs
from unitscope.errors import BadInput
from unitscope.exclusion import rules_for


def read(tmp_path: Path, base: str = "demo_two_afc", **changes):
    """Read a shipped design with some keys changed, nested ones by ``__``, removed by None."""
    data = yaml.safe_load(find_design(base).read_text(encoding="utf-8")) | {"name": "changed"}
    for key, value in changes.items():
        *outer, last = key.split("__")
        place = data
        for part in outer:
            place = place.setdefault(part, {})
        place[last] = value
        if value is None:
            del place[last]
    path = tmp_path / "changed.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return read_design(path)


@pytest.mark.parametrize("name", shipped_designs())
def test_shipped_designs_are_read(name):
    design = read_design(name)
    assert design.name == name
    assert len(design.sha256) == 64


def test_an_unknown_name_gets_the_nearest_one():
    with pytest.raises(
        BadInput, match="no design is named 'demo_2afc'; did you mean 'demo_two_afc'"
    ):
        read_design("demo_2afc")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"references__per_side": 10}, "per_side is 10, expected 1 to 9"),
        ({"references__poles": ["max", "max"]}, "expected min, max or both, each once"),
        ({"batches__last_main": 2}, "would see a query twice"),
        (
            {"batches__practice": 3, "blocks__practice_none__pool": "main"},
            "practice batch 3 is one of the main batches as well, and both take .* pool 'main'",
        ),
        ({"blocks__main_none__catch": 1}, "condition none cannot have any"),
        ({"keys__a": ["f", "d", "j"]}, "key 'j' has two meanings"),
        (
            {"orders": [["main_nonne"]]},
            "'main_nonne', which is not in blocks; did you mean 'main_none'",
        ),
        ({"orders": []}, "orders is empty"),
        (
            {"orders": [["main_none"], ["main_natural"]]},
            "the lists of orders hold different blocks",
        ),
        ({"batches__rotation": ["none", "natural"]}, "which is not in batches.rotation"),
        ({"durations__feedback_s": -1}, "feedback_s is -1.0, expected 0 to 60"),
        ({"layout__image": 0}, "image is 0.0, expected more than 0"),
        ({"participants": 0}, "participants is 0, expected 1 to 1000000"),
        ({"units": {}}, "give either a table or a sample"),
        ({"sha256": "x"}, "unknown key 'sha256'"),
        ({"taks": "two_afc"}, "unknown key 'taks'; did you mean 'task'"),
        ({"task": "two_acf"}, "'task' is 'two_acf', expected one of .*; did you mean 'two_afc'"),
        ({"blocks__main_none__condition": "blur"}, "has condition 'blur', expected one of natural"),
        ({"blocks__main_none__trials": 0}, "give either trials .* or draw"),
        ({"blocks__main_none__draw": {"main": 2}}, "give either trials .* or draw"),
        ({"blocks__main_none__condition": "group"}, "condition 'group', but between has no groups"),
        ({"blocks__main_none__groups": ["none"]}, "is for group 'none', which is not in between"),
        ({"blocks__main_none__pool": "scheme"}, "has pool 'scheme', but schemes.pools has none"),
        ({"blocks__rest": {"role": "main", "condition": "none", "trials": 1}}, "in no list of ord"),
        ({"batches__rotation": None}, "batches.rotation is missing: with several conditions"),
        ({"batches__practice": "table"}, "batches.practice is table, but units has no table"),
        ({"between": ["natural"]}, "expected two conditions or more"),
        ({"repeats": {"least": 1}}, "the key repeats and blocks of role repeat need each other"),
        ({"repeats": {"least": 0, "most": 0}}, "least . most is 0, expected 1 or more"),
        ({"matching": {"depths": {"early": ["x"]}}}, "matching is for task exemplar_matching"),
        ({"schemes": {"references": {}, "orders": []}}, "expected at least one scheme"),
        (
            {"schemes": {"references": {"one": {}}, "orders": [["two"]]}},
            "orders holds .'two'., expected each of .'one'. once",
        ),
        (
            {"schemes": {"references": {"one": {}}, "orders": [["one"]], "pools": ["a", "b"]}},
            "pools has 2 names, expected one for each of the 1 schemes",
        ),
        ({"exclusions": {"catch_share": 60}}, "catch_share is 60.0, expected 0 to 1"),
        (
            {"exclusions": {"total_s": [90, 10]}},
            "total_s is .90.0, 10.0., expected minimum and maximum",
        ),
        ({"exclusions": {"groups": {"lay": {}}}}, "exclusions.groups names 'lay', which is not in"),
        ({"triggers": {"kind": "serial"}}, "kind is serial, so port and codes are needed too"),
        ({"triggers": {"codes": {"queries": 256}}}, "codes.queries is 256, expected 1 to 255"),
        ({"photodiode": {"size_px": 0}}, "size_px is 0, expected 1 to 1000"),
        ({"ratings": {"pool": "main", "before": 0}}, "before . after is 0, expected 1 or more"),
        ({"practice": {"max_rounds": 0}}, "max_rounds is 0, expected 1 to 100"),
        ({"orders_every": 0}, "orders_every is 0, expected 1 to 1000000"),
        ({"layout__separation": -1}, "separation is -1.0, expected 0 to 100000"),
        ({"instructions": ["welcom"]}, "page 'welcom'.*; did you mean 'welcome'"),
        ({"language": "fr"}, "language is 'fr', expected one of de, en"),
        ({"hooks": ["my_lab.tracker"]}, "unknown key 'hooks'"),
        ({"triggers": {"codes": {"query": 1}}}, "names 'query'; did you mean 'queries'"),
        ({"response_box": {"port": "COM3"}}, "port and keys need each other"),
        ({"response_box": {"port": "a", "keys": {"x": 1}}}, "names 'x', which is none of the"),
        ({"response_box": {"port": "a", "keys": {"f": 1, "j": 1}}}, "has a byte twice"),
        ({"response_box": {"port": "a", "keys": {"f": 256}}}, "keys.f is 256, expected 0 to 255"),
        ({"smallest_effect": 0}, "smallest_effect is 0.0, expected between 0 and 1"),
        ({"smallest_effect": 5}, "smallest_effect is 5.0, expected between 0 and 1"),
        ({"window": {"size": 5}}, "window.size cannot be set: the session sets it"),
    ],
)
def test_impossible_designs_are_refused(tmp_path, changes, message):
    with pytest.raises(BadInput, match=message):
        read(tmp_path, **changes)


@pytest.mark.parametrize(
    ("base", "changes", "message"),
    [
        ("demo_occlusion", {"references__poles": ["min"]}, "poles lacks max"),
        ("demo_occlusion", {"references__per_side": 5}, "mixed_natural is 5, expected 1 to 4"),
        (
            "demo_occlusion",
            {"batches__rotation": ["none"]},
            "has condition 'natural', which is not in batches.rotation",
        ),
        (
            "borowski2021_exp1",
            {"shuffled": ["repeat_nune"]},
            "shuffled names block 'repeat_nune', .*did you mean 'repeat_none'",
        ),
        (
            "borowski2021_exp1",
            {"practice__lists": ["practice_or_catch.one"]},
            "practice.lists has 1 pools, expected one for each of the 3 practice blocks",
        ),
        (
            "borowski2021_exp1",
            {"explanation": None},
            "explanation and the page explanation of instructions need each other",
        ),
        (
            "borowski2021_exp1",
            {"questions": ["strategie"]},
            "questions names 'strategie'; did you mean 'strategy'",
        ),
        (
            "demo_two_afc",
            {"blocks__main_natural__catch_unrelated_pool": "practice"},
            "catch_unrelated_pool, which is for task occlusion",
        ),
        (
            "demo_two_afc",
            {"blocks__practice_none__in_order": True},
            "in_order is for a block with draw",
        ),
        (
            "demo_two_afc",
            {"blocks__main_natural__pool": "list"},
            "pool list is for a practice block",
        ),
        ("demo_occlusion", {"schemes": {"references": {"a": {}}, "orders": [["a"]]}}, "two_afc"),
        ("demo_occlusion", {"blocks__practice__groups": ["lay"]}, "expected one of natural"),
        ("demo_exemplar_matching", {"matching": None}, "key 'matching' is missing"),
        ("demo_exemplar_matching", {"matching__n_rows": 6}, "n_rows is 6, expected 2 to 5"),
        ("demo_exemplar_matching", {"matching__n_images": [6]}, "n_images is 6, expected 1 to 5"),
        ("demo_exemplar_matching", {"matching__n_images": [1, 1]}, "numbers, each once"),
        (
            "demo_exemplar_matching",
            {"matching__depths__late": ["inception4b"]},
            "'inception4b' twi",
        ),
        ("demo_exemplar_matching", {"matching__depths": {}}, "depths is empty"),
        ("demo_exemplar_matching", {"matching__depths__deep": ["x"]}, "'deep'.*expected one of"),
        ("demo_exemplar_matching", {"blocks__exemplar__condition": "none"}, "natural, synthetic"),
        (
            "demo_exemplar_matching",
            {"blocks__exemplar__catch": 1},
            "allows no catch, draw or extra",
        ),
        ("demo_exemplar_matching", {"confidence": "two_step"}, "does not ask for confidence"),
        ("demo_exemplar_matching", {"keys__undo": "1"}, "key '1' has two meanings"),
        ("borowski2021_exp1", {"repeats": None}, "blocks of role repeat need each other"),
        ("borowski2021_exp1", {"blocks__repeat_none__trials": 3}, "repeats has no trials, draw"),
        ("borowski2021_exp1", {"repeats__least": 45}, "repeats 48 main trials with condition"),
        (
            "borowski2021_exp2",
            {"schemes__pools": None},
            "pool 'scheme', but schemes.pools has none",
        ),
        ("zimmermann2021_occlusion", {"blocks__practice__extra_trial": True}, "has no extra_trial"),
    ],
)
def test_settings_that_no_task_can_have_are_refused(tmp_path, base, changes, message):
    with pytest.raises(BadInput, match=message):
        read(tmp_path, base, **changes)


@pytest.mark.parametrize(
    ("base", "layout", "message"),
    [
        ("demo_two_afc", {"reference_offset": 3500}, "need 7686 x 686 px, but no screen has more"),
        ("demo_two_afc", {"query_offset": 2100}, "need 1852 x 4424 px, .* than 7680 x 4320"),
        ("demo_two_afc", {"query_offset": 111}, "the queries overlap, .* at least half of image"),
        ("demo_two_afc", {"unit": "deg", "image": 7}, "need 1.* x 411 deg, .* than 180 x 180"),
        ("demo_occlusion", {"image": 1800}, "need 9117 x 5414 px"),
        ("klein2023_exemplar", {"gap": 800}, "need .* px, but no screen"),
    ],
)
def test_a_layout_that_no_screen_holds_is_refused(tmp_path, base, layout, message):
    with pytest.raises(BadInput, match=message):
        read(tmp_path, base, **{f"layout__{name}": value for name, value in layout.items()})


def test_a_layout_that_the_largest_screen_holds_is_read(tmp_path):
    layout = {"layout__reference_offset": 3490, "layout__query_offset": 2048}
    assert read(tmp_path, **layout).layout.query_offset == 2048


def test_left_handed_participants_may_have_keys_of_their_own(tmp_path):
    left = {"a": ["j", "k", "l"], "b": ["f", "d", "s"]}
    design = read(tmp_path, left_handed_keys=left)
    assert design.for_hand("right") is design
    other = design.for_hand("left")
    assert other.keys.response["j"] == ("a", 1)
    assert (other.path, other.sha256) == (design.path, design.sha256)
    assert "Left-handed   l k j | f d s" in describe(design, 1)
    assert "Left-handed" not in describe(read(tmp_path), 1)
    with pytest.raises(ValueError, match="has no left_handed_keys"):
        read(tmp_path).for_hand("left")
    with pytest.raises(BadInput, match="'ö' is no key"):
        read(tmp_path, left_handed_keys={"a": ["ö", "k", "l"]})


@pytest.mark.parametrize("name", shipped_designs())
def test_a_key_that_counts_at_another_time_may_be_the_same(tmp_path, name):
    keys = read(tmp_path, name, keys={"confidence": ["1", "2", "3"]}).keys
    assert keys.confidence == keys.numbers[:3]


def test_the_rules_of_a_group_stand_in_place_of_the_general_ones(tmp_path):
    own = {"catch_share": 0.5, "groups": {"none": {"less_used_side": 2}}}
    rules = read(tmp_path, "demo_occlusion", exclusions=own).exclusions
    found = {g: [r.sentence for r in rules_for(rules.by_group, g)] for g in ("natural", "none")}
    assert found == {
        "natural": ["proportion of catch trials answered correctly: at least 0.5"],
        "none": ["trials, other than practice, on the less-used side: at least 2"],
    }


def test_a_block_for_some_groups_is_left_out_for_others(tmp_path):
    design = read_design("demo_occlusion")
    assert design.order(1) == ("practice", "main")
    assert design.group(5) == "none"
    assert design.order(5) == ("main",)
    assert [block.number for block in design.plan(5)] == [1]


def test_pools_may_share_a_batch_where_they_share_no_units(tmp_path):
    assert read(tmp_path, blocks__main_none__pool="other", batches__practice=3) is not None


def test_the_name_is_that_of_the_file(tmp_path):
    with pytest.raises(BadInput, match="name is 'other', expected 'changed'"):
        read(tmp_path, name="other")


def test_keys_give_choice_and_confidence():
    response = read_design("demo_two_afc").keys.response
    assert [response[key] for key in "sdfjkl"] == [
        ("a", 3),
        ("a", 2),
        ("a", 1),
        ("b", 1),
        ("b", 2),
        ("b", 3),
    ]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("participants", 10**30, "'participants' is 1e[+]30, expected -2.53 to 2.53"),
        ("participants", 10**9, "participants is 1000000000, expected 1 to 1000000"),
        ("blocks__main_none__trials", 10**9, "trials is 1000000000, expected 0 to 10000"),
        ("blocks__main_natural__catch", 2**63, "expected -2.53 to 2.53"),
        ("units__sample__main", 10**9, "sample.main is 1000000000, expected 1 to 1000000"),
        ("batches__last_main", 10**9, "last_main is 1000000000, expected 0 to 1000000"),
        ("layout__image", 1e308, "'layout.image' is 1e[+]308, expected -2.53 to 2.53"),
        ("layout__gap", 1e9, "gap is 1000000000.0, expected 0 to 100000"),
        ("stimulus_set", "../..", "stimulus_set is '../..', expected the name of a folder"),
        ("stimulus_set", "..", "stimulus_set is '..', expected the name of a folder"),
        ("stimulus_set", "", "stimulus_set is '', expected the name of a folder"),
    ],
)
def test_values_without_end_are_refused(tmp_path, key, value, message):
    with pytest.raises(BadInput, match=message):
        read(tmp_path, **{key: value})


def write_texts(tmp_path, name="own", language="en", **texts):
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    (folder / f"{language}.yaml").write_text(yaml.safe_dump(texts), encoding="utf-8")


def test_a_design_names_the_folder_of_its_own_texts(tmp_path):
    write_texts(tmp_path, pages={"consent": "Approved, {leave}."}, sure="certain")
    design = read(tmp_path, texts="own")
    assert design.texts_folder == tmp_path / "own"
    (line,) = [line for line in describe(design, 1).split("\n") if line.startswith("Texts")]
    assert line.split(None, 1)[1] == (
        "the study's own in own (en: consent, sure); otherwise the suite's"
    )
    assert "Texts" not in describe(read(tmp_path), 1)


def test_texts_that_cannot_be_used_refuse_their_design(tmp_path):
    with pytest.raises(BadInput, match="no folder of texts"):
        read(tmp_path, texts="own")
    write_texts(tmp_path, sure="certain")
    with pytest.raises(BadInput, match=r"de.yaml: .*not in language 'de'; found en"):
        read(tmp_path, texts="own", language="de")
    write_texts(tmp_path, language="de", sur="gewiss")
    with pytest.raises(BadInput, match="unknown text 'sur'; did you mean 'sure'"):
        read(tmp_path, texts="own")


@pytest.mark.parametrize("texts", ["../own", "/own", "C:/own"])
def test_texts_lie_below_their_design(tmp_path, texts):
    with pytest.raises(BadInput, match="expected a folder below the design's"):
        read(tmp_path, texts=texts)


def test_until_when_one_can_withdraw_is_a_day_that_the_consent_page_says(tmp_path):
    design = read(tmp_path, consent=True, withdrawal_until=date(2027, 3, 31))
    assert design.withdrawal_until == date(2027, 3, 31)
    assert "until 2027-03-31, as the consent page says" in describe(design, 1)
    with pytest.raises(BadInput, match=r"is '2027-03-31', expected a date .*\(without quotes\)"):
        read(tmp_path, consent=True, withdrawal_until="2027-03-31")
    with pytest.raises(BadInput, match="withdrawal_until is said on the consent page"):
        read(tmp_path, consent=False, withdrawal_until=date(2027, 3, 31))
    write_texts(tmp_path, pages={"consent": "{leave} until {until}"})
    with pytest.raises(BadInput, match="page 'consent' names {until}, but the design has no"):
        read(tmp_path, texts="own")
