"""Looks and worth of images by settings: ``python -m benchmarks.feature_visualization``."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from unitscope.errors import BadInput, nearest, run_command
from unitscope.settings import read_yaml
from unitscope.vocabulary import POLES

TRIED = Path(__file__).with_name("tried_settings.yaml")
TUNED = {"n": 40, "seed": 1}
"""Units on which settings were tuned."""
HELD_OUT = {"n": 160, "seed": 2}
"""Other units, on which they were tested."""


def main(argv: list[str] | None = None) -> int:
    """Draw the sheet of priors, or measure settings; see ``--help``."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.feature_visualization",
        description="Look at feature visualizations of the demo's network, and measure them.",
    )
    parts = parser.add_subparsers(required=True)
    priors = parts.add_parser("priors", help="draw each prior at three weights")
    priors.add_argument("--out", type=Path, required=True, help="JPEG file to write")
    priors.set_defaults(work=_priors)
    quality = parts.add_parser("quality", help="measure how well images name their units")
    quality.add_argument("settings", nargs="*", help=f"names in {TRIED.name}; all if none")
    quality.add_argument("--held-out", action="store_true", help="on units not used for tuning")
    quality.add_argument("--per-pole", type=int, default=2, help="images of each unit and pole")
    quality.add_argument(
        "--imagenet",
        action="store_true",
        help="also by features of EfficientNet-Lite0 (extra efficientnet)",
    )
    quality.add_argument("--sheet", type=Path, help="JPEG file with images of ten of the units")
    quality.set_defaults(work=_quality)
    return run_command(parser, lambda arguments: arguments.work(arguments), argv)


def tried() -> dict[str, dict[str, Any]]:
    """Return the settings that were tried: changes of the demo's own by name."""
    return read_yaml(TRIED)


def _priors(arguments: argparse.Namespace) -> None:
    from benchmarks.feature_visualization.contact_sheet import contact_sheet, save_sheet
    from benchmarks.feature_visualization.demo_units import DemoUnits
    from benchmarks.feature_visualization.prior_sheet import (
        SHOWN,
        sheet_row,
        statistics,
        with_prior,
        without_prior,
    )

    units, rows = DemoUnits(n=3, seed=5, n_images=500), []
    print("| prior | what it decreases: without it, and at each value |\n|---|---|", flush=True)
    plain = {of_pixels: without_prior(units, of_pixels) for of_pixels in (False, True)}
    for shown in SHOWN:
        made = [plain[shown.of_pixels], *with_prior(shown, units)]
        rows.append(list(sheet_row(shown, made)))
        found = ", ".join(f"{value:.3g}" for value in statistics(shown, made))
        print(f"| {shown.name} | {found} |", flush=True)
    save_sheet(contact_sheet(rows), arguments.out)


def _quality(arguments: argparse.Namespace) -> None:
    from benchmarks.feature_visualization.contact_sheet import contact_sheet, save_sheet
    from benchmarks.feature_visualization.demo_units import DemoUnits, Made, demo_settings
    from benchmarks.feature_visualization.naming import (
        N_NATURAL,
        Looks,
        Naming,
        Observer,
        colours_and_edges,
        imagenet_features,
        interval,
        looks,
        naming,
    )

    known = tried()
    for name in arguments.settings:
        if name not in known:
            raise BadInput(f"no settings {name!r}{nearest(name, known)}")
    units = DemoUnits(**TUNED)
    if arguments.held_out:
        units = DemoUnits(**HELD_OUT, without=units.units)
    observers = {"colours and edges": Observer(units, colours_and_edges)}
    if arguments.imagenet:
        observers["ImageNet"] = Observer(units, imagenet_features, centred=True)
    measures = [field.name for field in dataclasses.fields(Naming)]
    columns = [f"{measure}, {observer}" for observer in observers for measure in measures]
    columns += [*(field.name for field in dataclasses.fields(Looks)), "seconds of CPU"]
    print(f"| settings | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")

    def measured(name: str, made: Made, spent_s: float) -> list[np.ndarray]:
        named = [naming(observer, made) for observer in observers.values()]
        values = [vars(found)[measure] for found in named for measure in measures]
        cells = [f"{value.mean():.3f}" for value in values]
        cells += [f"{value:.3f}" for value in dataclasses.astuple(looks(units, made))]
        print(f"| {name} | {' | '.join(cells)} | {spent_s:.0f} |", flush=True)
        return values

    next_natural = {
        (unit, pole): units.extremes(unit, pole, N_NATURAL + arguments.per_pole)[N_NATURAL:]
        for unit in units.units
        for pole in POLES
    }
    measured("natural images of the next ranks", next_natural, 0)
    sheets: dict[str, Made] = {}
    first: list[np.ndarray] = []
    for name in arguments.settings or known:
        start = time.process_time()
        sheets[name] = units.render(demo_settings(known[name]), arguments.per_pole)
        values = measured(name, sheets[name], time.process_time() - start)
        if first:
            gains = [value - old for value, old in zip(values, first, strict=True)]
            cells = ["{:+.3f} ({:+.3f} to {:+.3f})".format(g.mean(), *interval(g)) for g in gains]
            cells += [""] * (len(columns) - len(cells))
            print(f"| more than the first | {' | '.join(cells)} |", flush=True)
        first = first or values
    if arguments.sheet:
        save_sheet(contact_sheet(list(_rows(units, sheets))), arguments.sheet)


def _rows(units: Any, sheets: dict[str, Any]) -> Iterator[list[Any]]:
    from benchmarks.feature_visualization.contact_sheet import Tile

    for place, unit in enumerate(units.units[:10]):
        row = []
        for pole in POLES:
            shown = {"natural": units.extremes(unit, pole, 3)}
            shown |= {name: made[unit, pole][:2] for name, made in sheets.items()}
            row += [Tile("" if place else f"{n}, {pole}", images) for n, images in shown.items()]
        yield row


if __name__ == "__main__":
    sys.exit(main())
