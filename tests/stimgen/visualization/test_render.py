import dataclasses
import io
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from stimgen.files import read_png
from stimgen.networks.network import Network
from stimgen.studies.build_settings import ActivationSettings
from stimgen.studies.synthetic_settings import SyntheticSettings
from stimgen.sweeps.ranks import Ranks
from stimgen.visualization.goals import goals_for
from stimgen.visualization.parametrization import Parametrization
from stimgen.visualization.render import images_together, render, rendered_path
from stimgen.visualization.rendering_methods import open_method
from tests.stimgen.rendering import SETTINGS, goals_of, render_toy
from tests.stimgen.sweeps.test_ranks import ROOT, run

PRE = ActivationSettings()
SMALL = SyntheticSettings(
    per_pole=2, steps=2, image_px=48, margin_px=4, jitter_px=(4, 2), batch=5, activation_unit="raw"
)


def test_only_what_is_missing_is_rendered_and_it_is_the_same(toy: Network, tmp_path: Path) -> None:
    units = [toy.unit("late", "", 5), toy.unit("early", "", 0), toy.unit("late", "", 1)]
    goals = goals_for(units, SMALL, 0, None)
    assert len({seed for goal in goals for seed in goal.seeds}) == 12
    render(toy, goals, SMALL, ActivationSettings(), 64, tmp_path, quiet=True)
    files = sorted(tmp_path.rglob("*.png"))
    assert len(files) == 12
    with Image.open(files[0]) as image:
        assert (image.size, image.mode) == ((64, 64), "RGB")
    lost = rendered_path(tmp_path, goals[2], 1)
    before, times = lost.read_bytes(), {file: file.stat().st_mtime_ns for file in files}
    lost.unlink()
    again = dataclasses.replace(SMALL, batch=2)
    render(toy, goals, again, ActivationSettings(), 64, tmp_path, quiet=True)
    assert lost.read_bytes() == before
    untouched = {file for file in files if file.stat().st_mtime_ns == times[file]}
    assert len(untouched) == 11


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What an uninterrupted single process renders, with a search for each diversity weight."""
    folder = tmp_path_factory.mktemp("whole") / "rendered"
    render_toy(folder)
    return files_in(folder)


def test_a_search_leaves_images_and_weights_and_nothing_else(whole: dict[str, bytes]) -> None:
    assert len(whole) == 10 * (2 + 1)
    found = [json.loads(c) for name, c in whole.items() if name.endswith("_diversity.json")]
    assert len(found) == 10
    bracket = SETTINGS.search.bracket if SETTINGS.search else ()
    weights = {one["diversity_weight"] for one in found}
    assert min(bracket) <= min(weights) and max(weights) <= max(bracket)
    assert not weights <= set(bracket), "no decade was halved"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_killed_anywhere_it_goes_on_and_ends_the_same(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    folder = tmp_path / "rendered"
    words = [sys.executable, "-m", "tests.stimgen.rendering", str(folder), "--kill-at"]
    for kill_at in (7, 55):
        killed = subprocess.run([*words, str(kill_at)], cwd=ROOT, check=False)
        assert killed.returncode == -signal.SIGKILL
    assert list((folder / "unfinished").iterdir())
    render_toy(folder)
    assert files_in(folder) == whole
    # What the killed ones had done was not done again.
    alone = tmp_path / "alone"
    render_toy(alone / "rendered")
    n_again, n_alone = (int((f / "steps0.txt").read_text()) for f in (tmp_path, alone))
    assert n_again == n_alone - (7 + 55 - 2)


def test_ranks_render_the_same(tmp_path: Path, whole: dict[str, bytes]) -> None:
    folder = tmp_path / "rendered"
    for rank in range(3):
        render_toy(folder, ranks=Ranks(rank, 3))
        made = [name for name in files_in(folder) if name.endswith(".png")]
        assert rank == 2 or len(made) < 20
    assert files_in(folder) == whole


def test_a_search_for_one_unit_does_not_depend_on_the_others(
    toy: Network, tmp_path: Path, whole: dict[str, bytes]
) -> None:
    one = goals_of(toy)[3]
    settings = dataclasses.replace(SETTINGS, batch=100)
    render(toy, [one], settings, PRE, 40, tmp_path, quiet=True)
    alone = files_in(tmp_path)
    assert len(alone) == 3
    for name, content in alone.items():
        if name.endswith(".json"):
            assert content == whole[name]
        else:
            pixels, expected = (
                np.asarray(Image.open(io.BytesIO(c)), dtype=int) for c in (content, whole[name])
            )
            assert abs(pixels - expected).max() <= 1


@pytest.mark.slow
def test_processes_under_torchrun_render_the_same(tmp_path: Path, whole: dict[str, bytes]) -> None:
    folder = tmp_path / "rendered"
    run("-m", "tests.stimgen.rendering", str(folder))
    assert files_in(folder) == whole
    shares = [int((tmp_path / f"steps{rank}.txt").read_text()) for rank in (0, 1)]
    assert min(shares) > 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_rank_that_dies_is_started_again_and_goes_on(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    folder = tmp_path / "rendered"
    run("--max-restarts", "1", "-m", "tests.stimgen.rendering", str(folder), "--kill-at", "20")
    assert files_in(folder) == whole


def test_too_little_memory_halves_the_batch(
    toy: Network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = dataclasses.replace(SMALL, batch=8)
    units = [toy.unit("late", "", channel) for channel in (5, 1)]
    goals = goals_for(units, settings, 0, None)
    usual = open_method(settings, toy)

    def start(seeds: Sequence[int]) -> Parametrization:
        if len(seeds) > 3:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return usual(seeds)

    render(toy, goals, settings, ActivationSettings(), 40, tmp_path / "much")
    assert "memory" not in capsys.readouterr().err
    render(toy, goals, settings, ActivationSettings(), 40, tmp_path / "little", start=start)
    assert "2 units at a time do not fit into memory; continuing with 1" in capsys.readouterr().err
    for goal in goals:
        for index in range(settings.per_pole):
            much, little = (
                read_png(rendered_path(tmp_path / name, goal, index)).astype(int)
                for name in ("much", "little")
            )
            assert abs(much - little).max() <= 1


def test_interrupted_by_hand_it_goes_on(tmp_path: Path, whole: dict[str, bytes]) -> None:
    folder = tmp_path / "rendered"
    with pytest.raises(KeyboardInterrupt):
        render_toy(folder, interrupt_at=40)
    assert list((folder / "unfinished").iterdir())
    render_toy(folder)
    assert files_in(folder) == whole


def test_without_images_nothing_is_done(toy: Network, tmp_path: Path) -> None:
    none = dataclasses.replace(SMALL, per_pole=0)
    render(toy, goals_for([toy.unit("late", "", 1)], none, 0, None), none, PRE, 40, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("gib", "n_images", "world", "expected"),
    [
        (80, 10_000, 1, 384),
        (80, 160, 1, 160),
        (80, 800, 8, 100),
        (24, 800, 1, 144),
        (8, 800, 1, 36),
    ],
)
def test_a_cards_batch_follows_from_its_memory_and_share(
    gib: int, n_images: int, world: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stimgen.visualization.render.memory_gib", lambda device: gib)
    assert images_together(torch.device("cuda"), n_images, world) == expected
    assert images_together(torch.device("cpu"), n_images, world) == 36
