"""Looks and worth of images by settings: ``python -m benchmarks.feature_visualization``."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from unitscope.errors import BadInput, nearest, run_command

if TYPE_CHECKING:
    from benchmarks.feature_visualization.contact_sheet import Tile
    from benchmarks.feature_visualization.measured_units import Made
    from benchmarks.feature_visualization.subjects import Subject


def main(argv: list[str] | None = None) -> int:
    """Draw the sheet of priors, or measure settings; see ``--help``."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.feature_visualization",
        description="Look at feature visualizations, and measure them.",
    )
    parts = parser.add_subparsers(required=True)
    priors = parts.add_parser("priors", help="draw each prior at three weights")
    priors.add_argument("--out", type=Path, required=True, help="JPEG file to write")
    priors.set_defaults(work=_priors)
    quality = parts.add_parser("quality", help="measure how well images name their units")
    quality.add_argument(
        "settings", nargs="*", help="names in tried_on_demo.yaml (or _photographs); all if none"
    )
    quality.add_argument(
        "--photographs",
        nargs="*",
        type=Path,
        metavar="FOLDER",
        help="measure units of EfficientNet-Lite0 (extra efficientnet) instead of the demo's "
        "network, by the photographs of folders, or of installed packages if none is given",
    )
    quality.add_argument("--held-out", action="store_true", help="on units not used for tuning")
    quality.add_argument("--per-pole", type=int, default=2, help="images of each unit and pole")
    quality.add_argument(
        "--imagenet",
        action="store_true",
        help="also by features of EfficientNet-Lite0 (extra efficientnet)",
    )
    quality.add_argument("--sheet", type=Path, help="JPEG file with images of some of the units")
    quality.set_defaults(work=_quality)
    return run_command(parser, lambda arguments: arguments.work(arguments), argv)


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
    from benchmarks.feature_visualization.subjects import demo, photographs

    if arguments.photographs is None:
        subject = demo(arguments.held_out, arguments.imagenet)
    elif arguments.imagenet:
        raise BadInput("--imagenet: that network cannot judge itself; leave out --photographs")
    else:
        subject = photographs(arguments.held_out, arguments.photographs)
    for name in arguments.settings:
        if name not in subject.tried:
            raise BadInput(f"no settings {name!r}{nearest(name, subject.tried)}")
    made = measure(subject, arguments.settings or list(subject.tried), arguments.per_pole)
    if arguments.sheet:
        sheet = contact_sheet(list(_rows(subject, made)), subject.image_px)
        save_sheet(sheet, arguments.sheet)


def measure(subject: Subject, names: list[str], per_pole: int) -> dict[str, Made]:
    """Print a table of how well images name their units, and return them by settings."""
    from benchmarks.feature_visualization.measured_units import settings_from
    from benchmarks.feature_visualization.naming import (
        Looks,
        Naming,
        ceiling,
        interval,
        looks,
        naming,
    )

    units, observers = subject.units, subject.observers
    measures = [field.name for field in dataclasses.fields(Naming)]
    columns = [f"{measure}, {observer}" for observer in observers for measure in measures]
    columns += [*(field.name for field in dataclasses.fields(Looks)), "seconds of CPU"]
    print(f"| settings | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")

    def row(name: str, named: list[Naming], made: Made, spent_s: float) -> list[np.ndarray]:
        values = [vars(found)[measure] for found in named for measure in measures]
        cells = [f"{value.mean():.3f}" for value in values]
        cells += [f"{value:.3f}" for value in dataclasses.astuple(looks(units, made))]
        print(f"| {name} | {' | '.join(cells)} | {spent_s:.0f} |", flush=True)
        return values

    natural = [ceiling(observer, per_pole) for observer in observers.values()]
    row("natural images", natural, units.most_extreme(per_pole), 0)
    rendered: dict[str, Made] = {}
    first: list[np.ndarray] = []
    for name in names:
        start = time.process_time()
        made = rendered[name] = units.render(settings_from(subject.tried[name], name), per_pole)
        named = [naming(observer, made) for observer in observers.values()]
        values = row(name, named, made, time.process_time() - start)
        if first:
            gains = [value - old for value, old in zip(values, first, strict=True)]
            cells = ["{:+.3f} ({:+.3f} to {:+.3f})".format(g.mean(), *interval(g)) for g in gains]
            cells += [""] * (len(columns) - len(cells))
            print(f"| more than the first | {' | '.join(cells)} |", flush=True)
        first = first or values
    return rendered


def _rows(subject: Subject, rendered: Mapping[str, Made]) -> Iterator[list[Tile]]:
    from benchmarks.feature_visualization.contact_sheet import Tile

    units, n = subject.units, subject.images_shown
    for start in range(0, len(subject.shown), subject.units_a_row):
        row = []
        for unit in subject.shown[start : start + subject.units_a_row]:
            for pole in units.poles:
                shown = {"natural": units.extremes(unit, pole, n)}
                shown |= {name: made[unit, pole][:n] for name, made in rendered.items()}
                row += [Tile("" if start else f"{m}, {pole}", some) for m, some in shown.items()]
        yield row


if __name__ == "__main__":
    sys.exit(main())
