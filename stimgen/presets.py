"""Settings of feature visualizations by the name of the study that used them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unitscope.errors import BadInput, nearest
from unitscope.settings import read_yaml

FOLDER = Path(__file__).parent / "studies" / "presets"


def presets() -> list[str]:
    """Return the names of all presets."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def with_preset(synthetic: dict[str, Any], where: str) -> dict[str, Any]:
    """Return settings as given, over those of the preset that they name with ``preset``.

    Parameters
    ----------
    synthetic
        Keys and values of ``SyntheticSettings``; a key that is given replaces the preset's, whole.
    where
        The file, for the message.

    Raises
    ------
    BadInput
        If there is no such preset, with the nearest name.
    """
    own = dict(synthetic)
    name = own.pop("preset", None)
    if name is None:
        return own
    if name not in presets():
        raise BadInput(
            f"{where}: 'synthetic.preset' is {name!r}, expected one of {', '.join(presets())}"
            f"{nearest(str(name), presets())}"
        )
    return {**read_yaml(FOLDER / f"{name}.yaml"), **own}
