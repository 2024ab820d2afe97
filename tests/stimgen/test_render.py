import dataclasses
from pathlib import Path

from PIL import Image

from stimgen.networks import Network
from stimgen.render import goals_for, render, rendered_path
from stimgen.settings import ActivationSettings
from stimgen.synthetic_settings import SyntheticSettings

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
