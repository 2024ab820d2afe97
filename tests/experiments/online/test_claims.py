"""Who gets which condition table."""

from __future__ import annotations

import sqlite3
import stat
import sys
import threading
from collections import Counter
from contextlib import closing

import pytest

from experiments.online.claims import (
    ACTIVE,
    FILE,
    FINISHED,
    FREED,
    KEY,
    SCREENED_OUT,
    Claims,
    Refused,
)
from tests.conftest import some

CELLS = {number: f"group {number % 3}" for number in range(1, 31)}


@pytest.fixture
def claims_of(tmp_path):
    """Open the claims of a study; all of a test's are in one file."""

    def make(design="study", cells=CELLS, away_s=100.0, elsewhere=()):
        return Claims(tmp_path / "online", design, cells, away_s, elsewhere)

    return make


def test_everybody_gets_a_table_of_their_own_however_many_come_at_once(claims_of):
    claims = claims_of()
    got = []

    def come(number):
        # Each thread is as another process: it has opened the file itself.
        got.append(claims_of().claim(f"person {number}", now_s=0)[0].number)

    threads = [threading.Thread(target=come, args=(number,)) for number in range(30)]
    for thread in some(threads):
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(CELLS)
    with pytest.raises(Refused, match="full"):
        claims.claim("one more", now_s=0)


@pytest.mark.parametrize("comers", [1, 2, 7, 17, 30])
def test_groups_fill_evenly_whoever_is_excluded(claims_of, comers):
    claims = claims_of()
    for number in range(comers):
        found, _ = claims.claim(f"person {number}", now_s=0)
        if number % 5 == 4:
            claims.settle(found.participant, SCREENED_OUT)
    taken = Counter(CELLS[c.number] for c in claims.all() if c.state == ACTIVE)
    counts = [taken[group] for group in set(CELLS.values())]
    assert max(counts) - min(counts) <= 1


def test_who_comes_back_has_the_same_table_and_a_new_link(claims_of):
    claims = claims_of()
    first, secret = claims.claim("anna", now_s=0)
    again, other = claims.claim("anna", now_s=99)
    assert again == first
    assert claims.at(secret) is None
    assert claims.at(other) == first
    assert claims.at("made up") is None


def test_a_table_of_who_stays_away_goes_to_another(claims_of):
    claims = claims_of(cells={1: "", 2: ""})
    first, _ = claims.claim("anna", now_s=0)
    second, _ = claims.claim("bert", now_s=90)
    third, _ = claims.claim("carl", now_s=150)
    assert (first.participant, second.participant, third.participant) == ("p001", "p002", "p001b")
    assert [claim.state for claim in claims.all()] == [FREED, ACTIVE, ACTIVE]
    with pytest.raises(Refused, match="used"):
        claims.claim("anna", now_s=151)


def test_who_stayed_away_comes_back_while_nobody_has_the_table(claims_of):
    claims = claims_of(cells={1: "", 2: ""})
    first, _ = claims.claim("anna", now_s=0)
    again, _ = claims.claim("anna", now_s=501)
    assert again == first
    other, _ = claims.claim("bert", now_s=502)
    assert other.participant == "p002"


def test_who_is_there_keeps_the_table(claims_of):
    claims = claims_of(cells={1: ""})
    first, _ = claims.claim("anna", now_s=0)
    claims.seen(first.participant, now_s=80)
    with pytest.raises(Refused, match="full"):
        claims.claim("bert", now_s=150)


def test_a_finished_table_is_never_freed(claims_of):
    claims = claims_of(cells={1: ""})
    first, _ = claims.claim("anna", now_s=0)
    claims.settle(first.participant, FINISHED)
    with pytest.raises(Refused, match="full"):
        claims.claim("bert", now_s=10_000)
    again, _ = claims.claim("anna", now_s=10_001)
    assert (again.state, again.code) == (FINISHED, first.code)


def test_who_took_part_in_a_study_of_another_group_is_refused(claims_of):
    claims_of("natural").claim("anna", now_s=0)
    synthetic = claims_of("synthetic", elsewhere=("natural", "mixed"))
    with pytest.raises(Refused, match="other_group"):
        synthetic.claim("anna", now_s=0)
    assert synthetic.claim("bert", now_s=0)[0].participant == "p001"


def test_ids_are_kept_as_keyed_hashes_alone(claims_of, tmp_path):
    claims = claims_of()
    _, secret = claims.claim("5f3c0ffee", now_s=0)
    files = some(path for path in (tmp_path / "online").iterdir())
    for path in files:
        content = path.read_bytes()
        assert b"5f3c0ffee" not in content
        assert secret.encode() not in content
        if sys.platform != "win32":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    # With another key the same person is somebody else.
    (tmp_path / "online" / KEY).write_bytes(b"another key")
    assert claims_of().claim("5f3c0ffee", now_s=0)[0].participant == "p002"


def test_made_up_links_do_not_wait_for_who_changes_something(claims_of, tmp_path):
    """Nor lets anybody wait who asks for one, however many there are."""
    claims = claims_of()
    given, secret = claims.claim("anna", now_s=0)
    with closing(sqlite3.connect(tmp_path / "online" / FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert claims.at("made up") is None
        assert claims.at(secret) == given
        other.execute("ROLLBACK")


def test_codes_differ(claims_of):
    claims = claims_of()
    codes = [claims.claim(f"person {number}", now_s=0)[0].code for number in range(30)]
    assert len(set(codes)) == 30
