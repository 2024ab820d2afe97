"""Commands that write a set: ``build``, its long steps alone, and ``occlude``."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stimgen.commands.options import Commands, add_device, add_network_of_set, add_quiet
from unitscope.errors import BadInput
from unitscope.places import STIMULI, shown

if TYPE_CHECKING:
    from stimgen.sets.build import Build

CHECKED = (
    "checked: every file's hash, the order of activations, and that no unit has an image twice"
)


def add_building(commands: Commands) -> None:
    """Add ``build`` and its two long steps, ``sweep`` and ``render``."""
    build = commands.add_parser(
        "build", help="write a stimulus set, optionally with condition tables"
    )
    build.add_argument("--design", help="also write condition tables for this design")
    build.add_argument("--participants", help="participants of the tables, such as 1-20")
    build.add_argument("--tables", type=Path, help="folder of all condition tables")
    build.add_argument(
        "--dry-run",
        action="store_true",
        help="print what would be done, and how long it would take",
    )
    sweep = commands.add_parser("sweep", help="only run the sweep over the images")
    render = commands.add_parser("render", help="only render feature visualizations")
    for parser, run in ((build, _build), (sweep, _sweep), (render, _render)):
        _add_options(parser)
        parser.set_defaults(run=run)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "settings", help="settings file, or the name of one that comes with the package"
    )
    parser.add_argument("--images", type=Path, help="folder, list (.txt) or .tar of photographs")
    parser.add_argument("--out", type=Path, default=STIMULI, help="folder of the stimulus sets")
    parser.add_argument("--name", help="name of the set, in place of the one in the settings")
    parser.add_argument("--weights", help="published name, 'random' or a checkpoint's path")
    add_device(parser)
    add_quiet(parser)


def _open(arguments: argparse.Namespace) -> Build:
    from stimgen.studies.build_settings import find_settings, read

    settings = read(arguments.settings)
    if arguments.weights:
        network = dataclasses.replace(settings.network, weights=arguments.weights)
        settings = dataclasses.replace(settings, network=network)
    if arguments.name:
        try:
            settings = dataclasses.replace(settings, name=arguments.name)
        except ValueError as error:
            raise BadInput(f"--name: {error}") from None

    from stimgen.sets.build import Build

    return Build(
        settings,
        base=find_settings(arguments.settings).parent,
        images=arguments.images,
        out=arguments.out,
        device=arguments.device,
        quiet=arguments.quiet,
    )


def _build(arguments: argparse.Namespace) -> None:
    if (arguments.design is None) != (arguments.participants is None):
        raise BadInput("--design and --participants are given together or not at all")
    participants: Sequence[int] = ()
    if arguments.design is not None:
        from conditions.design.reading import read_design
        from conditions.trials.condition_tables import parse_participants

        # A mistake here must be reported now, not after minutes of work.
        participants = parse_participants(arguments.participants)
        read_design(arguments.design)
    start = time.monotonic()
    build = _open(arguments)
    already = build.is_done()
    if arguments.dry_run and not already:
        from stimgen.sets.plan import plan_of

        print("\n".join(plan_of(build).lines()))
        return
    folder = build.run()
    if not build.ranks.is_first:
        return
    if already:
        print(f"{shown(folder)} already exists, built with the same settings")
    else:
        n_images = sum(1 for _ in (folder / "images").rglob("*.png"))
        spent_s = time.monotonic() - start
        made = f"{n_images} images of {len(build.units)} units"
        print(f"wrote {made} to {shown(folder)} in {spent_s:.0f} s")
        print(CHECKED)
        _report_skipped(build)
    if arguments.design is not None:
        from conditions.trials.condition_tables import tables_are_there, write_tables

        written = write_tables(arguments.design, folder, participants, arguments.tables)
        print(tables_are_there(written))


def _report_skipped(build: Build) -> None:
    from unitscope.settings import read_yaml

    facts = read_yaml(build.folder / "set.yaml")
    skipped = facts["images"]["skipped"]
    if skipped:
        print(f"{len(skipped)} images could not be read, such as {skipped[0]}", file=sys.stderr)
    unread = getattr(build.source, "unread", "")
    if unread:
        print(f"not read as images: {unread}", file=sys.stderr)
    report_excluded(facts.get("occlusion", {}).get("left_out", []))


def _sweep(arguments: argparse.Namespace) -> None:
    build = _open(arguments)
    found = build.sweep()
    if not build.ranks.is_first:
        return
    print(
        f"swept {found.n_images} images for {len(found.units)} units; "
        f"{build.partial.path} holds the result for: python -m stimgen build"
    )


def _render(arguments: argparse.Namespace) -> None:
    build = _open(arguments)
    folder = build.render()
    if not build.ranks.is_first:
        return
    n_images = sum(1 for _ in folder.glob("*/*.png"))
    print(f"rendered {n_images} images; {folder} holds them for: python -m stimgen build")


def add_occluding(commands: Commands) -> None:
    """Add ``occlude``."""
    parser = commands.add_parser("occlude", help="add occlusion stimuli to a copy of a set")
    parser.add_argument("set", type=Path, help="folder of a stimulus set")
    parser.add_argument("--out", type=Path, help="folder to write; default: <set>-occlusion")
    parser.add_argument("--size", type=int, default=90, help="side of the patch in pixels")
    parser.add_argument("--stride", type=int, default=2, help="pixels between positions")
    parser.add_argument(
        "--max-overlap", type=float, default=1.0, help="largest overlap of the two patches, 0 to 1"
    )
    parser.add_argument("--min-effect", type=float, help="smallest relative activation difference")
    parser.add_argument("--batches", type=int, help="number of batches, from batch 0; default: all")
    parser.add_argument("--blur", action="store_true", help="also make blurred references (slow)")
    parser.add_argument(
        "--saliency",
        default="spectral_residual",
        help="spectral_residual, a folder of maps, or package.module:function",
    )
    parser.add_argument("--objects", help="table of boxes around primary objects")
    add_network_of_set(parser)
    add_device(parser)
    add_quiet(parser)
    parser.set_defaults(run=_occlude)


def _occlude(arguments: argparse.Namespace) -> None:
    from stimgen.networks.compute_device import pick_device
    from stimgen.sets.occlusion_set import OcclusionSet
    from stimgen.sets.provenance import network_of
    from stimgen.studies.occlusion_settings import OcclusionSettings
    from unitscope.stimulus_set import StimulusSet

    try:
        settings = OcclusionSettings(
            arguments.size,
            arguments.stride,
            arguments.max_overlap,
            arguments.min_effect,
            batches=arguments.batches,
            blur=arguments.blur,
            saliency=arguments.saliency,
            objects=arguments.objects,
        )
    except ValueError as error:
        raise BadInput(str(error)) from None
    stimuli = StimulusSet.open(arguments.set)
    network = network_of(
        arguments.set, arguments.weights, pick_device(arguments.device), arguments.network
    )
    folder = arguments.out or arguments.set.with_name(f"{stimuli.name}-occlusion")
    excluded = OcclusionSet(
        stimuli, network, settings, folder, base=Path.cwd(), quiet=arguments.quiet
    ).run()
    n_images = sum(1 for _ in (folder / "images").rglob("*.png"))
    print(f"wrote {n_images} images of {len(stimuli.units)} units to {shown(folder)}")
    print(CHECKED)
    report_excluded(excluded)


def report_excluded(excluded: Sequence[str]) -> None:
    """Print on the error stream which base images allow no query pair, if any."""
    if excluded:
        print(
            f"{len(excluded)} base images allow no query pair, such as {excluded[0]}",
            file=sys.stderr,
        )
