"""Commands on finished sets: verify, compare, show and export them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from stimgen.commands.options import Commands, add_device, add_network_of_set, add_quiet
from unitscope.places import shown


def add_finished(commands: Commands) -> None:
    """Add ``verify``, ``diff``, ``gallery`` and ``export``."""
    verify = commands.add_parser("verify", help="check a set's files, activations and rules")
    verify.add_argument("set", type=Path, help="folder of the stimulus set")
    add_network_of_set(verify)
    add_device(verify)
    verify.add_argument(
        "--files-only", action="store_true", help="do not measure activations again"
    )
    add_quiet(verify)
    diff = commands.add_parser("diff", help="list the differences between two sets")
    diff.add_argument("first", type=Path, help="folder of a stimulus set")
    diff.add_argument("second", type=Path, help="folder of another stimulus set")
    gallery = commands.add_parser("gallery", help="write a set's overview page again")
    gallery.add_argument("set", type=Path, help="folder of the stimulus set")
    export = commands.add_parser(
        "export", help="copy a set into the folder layout of an earlier study"
    )
    export.add_argument("set", type=Path, help="folder of the stimulus set")
    export.add_argument("--layout", required=True, help="name of the layout: borowski2021")
    export.add_argument("--out", type=Path, required=True, help="folder to create")
    add_quiet(export)
    runs = ((verify, _verify), (diff, _diff), (gallery, _gallery), (export, _export))
    for parser, run in runs:
        parser.set_defaults(run=run)


def _verify(arguments: argparse.Namespace) -> int:
    from stimgen.networks.compute_device import pick_device
    from stimgen.sets.provenance import network_of, read_provenance
    from stimgen.sets.verify import verify, verify_activations
    from unitscope.stimulus_set import StimulusSet

    stimuli = StimulusSet.open(arguments.set)
    settings = read_provenance(arguments.set).settings
    faults = verify(stimuli, settings, quiet=arguments.quiet)
    if not arguments.files_only:
        network = network_of(
            arguments.set, arguments.weights, pick_device(arguments.device), arguments.network
        )
        faults += verify_activations(stimuli, network, settings.activation, quiet=arguments.quiet)
    for fault in faults:
        print(fault)
    checked = f"{len(stimuli.manifest)} images of {len(stimuli.units)} units"
    print(f"{checked}: {len(faults)} faults" if faults else f"{checked}: no faults")
    return 1 if faults else 0


def _diff(arguments: argparse.Namespace) -> int:
    from stimgen.sets.comparison import differences
    from unitscope.stimulus_set import StimulusSet

    lines = list(differences(*map(StimulusSet.open, (arguments.first, arguments.second))))
    print("\n".join(lines) if lines else "the sets are the same")
    return 1 if lines else 0


def _gallery(arguments: argparse.Namespace) -> None:
    from stimgen.sets.gallery import write_gallery
    from stimgen.sets.partial import PartialFolder
    from unitscope.set_checksums import renew_checksum

    with PartialFolder(arguments.set).writing():
        page = write_gallery(arguments.set)
        renew_checksum(arguments.set, page.name)
    print(f"wrote {shown(page)}")


def _export(arguments: argparse.Namespace) -> None:
    from stimgen.sets.export import export
    from unitscope.stimulus_set import StimulusSet

    stimuli = StimulusSet.open(arguments.set)
    n, n_excluded = export(stimuli, arguments.layout, arguments.out, quiet=arguments.quiet)
    print(f"exported {n} images to {shown(arguments.out)}")
    if n_excluded:
        print(f"{n_excluded} others have no place in the layout", file=sys.stderr)
