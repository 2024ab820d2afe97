"""The command that adds occlusion stimuli to a finished set."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from stimgen.commands.options import Commands, add_device, add_quiet
from unitscope.errors import BadInput
from unitscope.places import shown


def add_occluding(commands: Commands) -> None:
    """Add ``occlude``."""
    parser = commands.add_parser("occlude", help="write a set's occlusion stimuli")
    parser.add_argument("set", type=Path, help="folder of a stimulus set")
    parser.add_argument("--out", type=Path, help="folder to write; <set>-occlusion if left out")
    parser.add_argument("--size", type=int, default=90, help="side of the patch in pixels")
    parser.add_argument("--stride", type=int, default=2, help="pixels from position to position")
    parser.add_argument("--max-overlap", type=float, default=1.0, help="of two queries, 0 to 1")
    parser.add_argument("--min-effect", type=float, help="least relative activation difference")
    parser.add_argument("--batches", type=int, help="how many batches, from 0; all if left out")
    parser.add_argument("--blur", action="store_true", help="blurred references too (slow)")
    parser.add_argument(
        "--saliency",
        default="spectral_residual",
        help="spectral_residual, a folder of maps, or package.module:function",
    )
    parser.add_argument("--objects", help="table of boxes around primary objects")
    parser.add_argument("--weights", help="checkpoint's path, where the set was built from one")
    add_device(parser)
    add_quiet(parser)
    parser.set_defaults(run=_occlude)


def _occlude(arguments: argparse.Namespace) -> None:
    from stimgen.networks.devices import pick_device
    from stimgen.occlusion.occlusion_set import OcclusionSet
    from stimgen.occlusion.occlusion_settings import OcclusionSettings
    from stimgen.sets.provenance import network_of
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
    network = network_of(arguments.set, arguments.weights, pick_device(arguments.device))
    folder = arguments.out or arguments.set.with_name(f"{stimuli.name}-occlusion")
    left_out = OcclusionSet(
        stimuli, network, settings, folder, base=Path.cwd(), quiet=arguments.quiet
    ).run()
    n_images = sum(1 for _ in (folder / "images").rglob("*.png"))
    print(f"wrote {n_images} images of {len(stimuli.units)} units to {shown(folder)}")
    report_left_out(left_out)


def report_left_out(left_out: Sequence[str]) -> None:
    """Say on the error stream which base images allow no pair of queries, if any."""
    if left_out:
        print(
            f"{len(left_out)} base images allow no query pair, such as {left_out[0]}",
            file=sys.stderr,
        )
