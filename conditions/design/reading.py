"""Designs by name or path, read and checked."""

from __future__ import annotations

from pathlib import Path

from conditions.design.consistency import check_design
from conditions.design.design import Design
from unitscope.errors import BadInput, nearest
from unitscope.settings import read_settings
from unitscope.stimulus_set import sha256_of
from unitscope.texts import read_texts, replaced_texts

DESIGNS = Path(__file__).resolve().parents[1] / "designs"
"""The designs that come with the suite, and their unit tables."""


def find_design(name: str) -> Path:
    """Return the file of a design given by its name or by a path.

    Raises
    ------
    BadInput
        If there is none, naming the nearest shipped design.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        return path
    shipped = DESIGNS / f"{name}.yaml"
    if not shipped.is_file():
        raise BadInput(
            f"no design is named {name!r}{nearest(name, shipped_designs())}; "
            "give a name from 'python -m conditions list' or the path of a YAML file"
        )
    return shipped


def shipped_designs() -> list[str]:
    """Return the names of the designs that come with the suite."""
    return sorted(path.stem for path in DESIGNS.glob("*.yaml"))


def read_design(name: str | Path) -> Design:
    """Read a design by name or path.

    Raises
    ------
    BadInput
        If the file is missing, or a key is unknown, missing or has a value that is not allowed.
    """
    path = find_design(str(name))
    design = read_settings(path, Design)
    try:
        check_design(design)
    except ValueError as error:
        raise BadInput(f"{path}: {error}") from None
    if design.name != path.stem:
        raise BadInput(
            f"{path}: name is {design.name!r}, expected {path.stem!r} as the file's name"
        )
    object.__setattr__(design, "path", str(path))
    object.__setattr__(design, "sha256", sha256_of(path))
    if design.texts_folder and design.language not in replaced_texts(design.texts_folder):
        read_texts(design.language, design.texts_folder)  # says what is missing
    _check_until(design)
    return design


def _check_until(design: Design) -> None:
    """Check that no text of the study says until when one can withdraw without any such day."""
    if not design.texts_folder or design.withdrawal_until:
        return
    for language, names in replaced_texts(design.texts_folder).items():
        pages = read_texts(language, design.texts_folder).pages
        for page in (name.removeprefix("pages.") for name in names):
            if page != "withdrawal" and "{until}" in pages.get(page, ""):
                raise BadInput(
                    f"{design.path}: the study's page {page!r} names {{until}}, but the design has "
                    "no withdrawal_until"
                )
