import dataclasses
import errno
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stimgen.sets.verify import verify
from stimgen.studies.build_settings import UnitsSettings
from stimgen.studies.natural_settings import NaturalSettings, QuerySettings
from stimgen.sweeps.activation_table import ActivationTable
from tests.conftest import manifest_rows
from tests.stimgen.sets.test_build import SETTINGS, make_build
from unitscope.errors import BadInput
from unitscope.stimulus_set import StimulusSet


def test_columns_and_rows_find_their_places(tmp_path: Path) -> None:
    table = ActivationTable(tmp_path / "table.npy", [4, 1])
    table.create(6)
    values = np.arange(15, dtype=np.float32).reshape(3, 5)
    table.record([5, 0, 2], values)
    found = table.of_unit(0, 3)
    assert found[[5, 0, 2]].tolist() == [4, 9, 14]
    assert np.isnan(found[[1, 3, 4]]).all()
    assert ActivationTable(table.path, [4, 1]).of_unit(1, 3)[0] == 6
    table.create(6)  # what is there stays
    assert table.of_unit(0, 3)[5] == 4
    with pytest.raises(BadInput, match="holds 3 images, but 4 were read"):
        table.of_unit(0, 4)


class FullDisk(io.FileIO):
    """A file on a disk that has room for what describes a table, and for none of its numbers."""

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > 200:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


def test_a_full_disk_is_a_sentence_and_no_table(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    natural = NaturalSettings(n_batches=2, n_bins=3, queries=QuerySettings(75, 3))
    build = make_build(
        photographs, tmp_path / "stimuli", dataclasses.replace(SETTINGS, natural=natural)
    )
    assert build.table is not None

    def scarce(path: Path, *options: Any, **named: Any) -> Any:
        if path.name == ".activations.npy.partial":
            return FullDisk(path, "w")
        return open(path, *options, **named)  # noqa: PTH123

    monkeypatch.setattr("unitscope.disk.open", scarce, raising=False)
    with pytest.raises(BadInput, match=r"cannot be written \(No space left on device\)"):
        build.sweep()
    assert not build.table.path.exists()
    monkeypatch.undo()
    found = build.sweep()
    assert len(build.table.of_unit(0, found.n_images)) == len(build.source)


def test_a_build_with_queries_by_percentile(photographs: Path, tmp_path: Path) -> None:
    natural = NaturalSettings(n_batches=2, n_bins=3, queries=QuerySettings(75, 3))
    settings = dataclasses.replace(SETTINGS, natural=natural)
    build = make_build(photographs, tmp_path / "stimuli", settings)
    stimuli = StimulusSet.open(build.run())
    assert verify(stimuli, settings, quiet=True) == []
    files = {path.name for path in stimuli.folder.iterdir()}
    assert "activations.npy" not in files
    # The same images by the extremes alone, and how many lie between.
    extremes = dataclasses.replace(
        settings, name="extremes", natural=NaturalSettings(n_batches=22, n_bins=1)
    )
    everything = StimulusSet.open(make_build(photographs, tmp_path / "stimuli", extremes).run())
    for unit in stimuli.units:
        ranked = [
            name
            for pole in ("min", "max")
            for name in (
                everything.manifest[
                    (everything.manifest["channel"] == unit.channel)
                    & (everything.manifest["layer"] == unit.layer)
                    & (everything.manifest["kind"] == "natural")
                    & (everything.manifest["pole"] == pole)
                ]
                .sort_values("activation")["source_image"]
                .tolist()
            )
        ]
        assert len(ranked) == 44
        for pole, place, percentile in (("min", 0, 25), ("max", 2, 75)):
            for batch in (0, 1):
                images = manifest_rows(stimuli, unit, "natural", pole, batch)
                names = images["source_image"].tolist()
                asked = ranked.index(names.pop(place))
                assert abs(asked - 43 * percentile / 100) <= 2
                ends = ranked[:4] if pole == "min" else ranked[-4:]
                assert set(names) <= set(ends)


def test_units_by_table_keep_their_columns(photographs: Path, tmp_path: Path) -> None:
    (tmp_path / "units.csv").write_text("layer,branch,channel\nlate,3x3,6\nearly,,1\n")
    natural = NaturalSettings(n_batches=1, n_bins=3, queries=QuerySettings(75))
    settings = dataclasses.replace(
        SETTINGS,
        natural=natural,
        units=UnitsSettings(table=str(tmp_path / "units.csv")),
        synthetic=dataclasses.replace(SETTINGS.synthetic, per_pole=0),
    )
    build = make_build(photographs, tmp_path / "stimuli", settings)
    found = build.sweep()
    assert build.table is not None
    for place, unit in enumerate(build.units):
        values = build.table.of_unit(place, found.n_images)
        row = found.row(unit)
        assert np.nanmax(values) == found.top_values[row, 0]
        assert np.nanargmin(values) == found.bottom_indices[row, 0]
