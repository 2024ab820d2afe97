"""Command line of stimgen: ``python -m stimgen build demo``."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from conditions.errors import BadInput, nearest, run_command
from conditions.places import STIMULI, shown

# Heavy imports (torch) happen inside the commands, so that --help and mistakes are quick.
if TYPE_CHECKING:
    from stimgen.sets.build import Build

PARTS = ("limit", "decode", "sweep", "memory", "render", "occlusion", "ranks", "demo")
"""What ``bench`` measures, in order."""


def main(argv: list[str] | None = None) -> int:
    """Run a command; see ``python -m stimgen --help``."""
    parser = argparse.ArgumentParser(
        prog="python -m stimgen", description="Make pictures of what drives a network's unit."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="write a stimulus set, and condition tables for it")
    _add_build_options(build)
    build.add_argument("--design", help="write condition tables for this design as well")
    build.add_argument("--participants", help="whom the tables are for, such as 1-20")
    build.add_argument("--tables", type=Path, help="folder for the tables")
    build.add_argument("--dry-run", action="store_true", help="only say what would be done")
    _add_build_options(commands.add_parser("sweep", help="only pass over the images"))
    _add_build_options(commands.add_parser("render", help="only render feature visualizations"))
    commands.add_parser("networks", help="list the networks' names")
    units = commands.add_parser("units", help="list a network's layers, branches and channels")
    units.add_argument("--network", default="demo", help="name of the network")
    verify = commands.add_parser("verify", help="check a set's files, numbers and rules")
    verify.add_argument("set", type=Path, help="folder of the stimulus set")
    verify.add_argument("--weights", help="checkpoint's path, where the set was built from one")
    verify.add_argument("--device", default="auto", help="auto, cpu or cuda")
    verify.add_argument("--files-only", action="store_true", help="measure no activation again")
    verify.add_argument("--quiet", action="store_true", help="show no progress")
    diff = commands.add_parser("diff", help="say how two sets differ")
    diff.add_argument("first", type=Path, help="folder of a stimulus set")
    diff.add_argument("second", type=Path, help="folder of another")
    gallery = commands.add_parser("gallery", help="make a set's page to look at again")
    gallery.add_argument("set", type=Path, help="folder of the stimulus set")
    export = commands.add_parser("export", help="copy a set into the folders of an earlier study")
    export.add_argument("set", type=Path, help="folder of the stimulus set")
    export.add_argument("--layout", required=True, help="name of the layout: borowski2021")
    export.add_argument("--out", type=Path, required=True, help="folder to make")
    export.add_argument("--quiet", action="store_true", help="show no progress")
    bench = commands.add_parser("bench", help="measure how fast this machine is")
    bench.add_argument("parts", nargs="*", metavar="part", help=f"{', '.join(PARTS)}; all if none")
    bench.add_argument("--device", default="auto", help="auto, cpu or cuda")
    bench.add_argument("--repeats", type=int, default=3, help="times that each way is measured")
    bench.add_argument(
        "--processor-time",
        action="store_true",
        help="count one thread's time on the processor, where other programs share it",
    )
    _add_layer_options(commands)
    _add_occlude_options(commands.add_parser("occlude", help="write a set's occlusion stimuli"))
    run = {
        "build": _build,
        "sweep": _sweep,
        "render": _render,
        "networks": _networks,
        "units": _units,
        "verify": _verify,
        "diff": _diff,
        "gallery": _gallery,
        "export": _export,
        "bench": _bench,
        "caricature": _draw_layer,
        "dream": _draw_layer,
        "occlude": _occlude,
    }
    return run_command(parser, lambda arguments: run[arguments.command](arguments), argv)


def _add_occlude_options(parser: argparse.ArgumentParser) -> None:
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
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def _add_layer_options(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    caricature = commands.add_parser("caricature", help="show what a layer makes of a picture")
    caricature.add_argument("image", type=Path, help="the picture")
    caricature.add_argument(
        "--cosine-power", type=float, default=1.0, help="more keeps nearer to the picture"
    )
    dream = commands.add_parser("dream", help="show what drives a whole layer")
    dream.set_defaults(image=None, cosine_power=1.0)
    for parser in (caricature, dream):
        parser.add_argument("settings", help="settings file, or the name of a shipped one")
        parser.add_argument("--layer", required=True, help="name of the layer")
        parser.add_argument("--out", type=Path, required=True, help="PNG file to write")
        parser.add_argument("--side", choices=("pre", "post"), default="post", help="of its ReLU")
        parser.add_argument("--seed", type=int, default=0, help="of start and transforms")
        parser.add_argument("--weights", help="published name, 'random' or a checkpoint's path")
        parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
        parser.add_argument("--quiet", action="store_true", help="show no progress")


def _add_build_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("settings", help="settings file, or the name of a shipped one")
    parser.add_argument("--images", type=Path, help="folder, list (.txt) or .tar of photographs")
    parser.add_argument("--out", type=Path, default=STIMULI, help="folder for sets")
    parser.add_argument("--name", help="name of the set, instead of the settings' own")
    parser.add_argument("--weights", help="published name, 'random' or a checkpoint's path")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def _open(arguments: argparse.Namespace) -> Build:
    from stimgen.settings import find_settings, read

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
        from conditions.design import read_design
        from conditions.tables import parse_participants

        # A mistake here must show now, not after minutes of work.
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
        print(f"{shown(folder)} is there already, built with the same settings")
    else:
        n_images = sum(1 for _ in (folder / "images").rglob("*.png"))
        spent_s = time.monotonic() - start
        made = f"{n_images} images of {len(build.units)} units"
        print(f"wrote {made} to {shown(folder)} in {spent_s:.0f} s")
        _report_skipped(build)
    if arguments.design is not None:
        from conditions.tables import write_tables

        written = write_tables(arguments.design, folder, participants, arguments.tables)
        print(f"wrote {len(written)} condition tables to {shown(written[0].parent)}")


def _report_skipped(build: Build) -> None:
    from conditions.settings import read_yaml

    facts = read_yaml(build.folder / "set.yaml")
    skipped = facts["images"]["skipped"]
    if skipped:
        print(f"{len(skipped)} images could not be read, such as {skipped[0]}", file=sys.stderr)
    _report_left_out(facts.get("occlusion", {}).get("left_out", []))


def _sweep(arguments: argparse.Namespace) -> None:
    build = _open(arguments)
    found = build.sweep()
    if not build.ranks.is_first:
        return
    print(
        f"swept {found.n_images} images for {len(found.units)} units; "
        f"{build.partial.path} keeps the result for: python -m stimgen build"
    )


def _render(arguments: argparse.Namespace) -> None:
    build = _open(arguments)
    folder = build.render()
    if not build.ranks.is_first:
        return
    n_images = sum(1 for _ in folder.glob("*/*.png"))
    print(f"rendered {n_images} images; {folder} keeps them for: python -m stimgen build")


def _networks(arguments: argparse.Namespace) -> None:
    from stimgen.networks.registry import network_names

    for name in network_names():
        print(name)


def _units(arguments: argparse.Namespace) -> None:
    from stimgen.networks.registry import network_layers

    layers = network_layers(arguments.network)
    print("layer,branch,first_channel,last_channel")
    for layer in layers:
        for branch in layer.branches:
            print(f"{layer.name},{branch.name},{branch.channels[0]},{branch.channels[-1]}")
    n_units = sum(layer.n_channels for layer in layers)
    print(f"{n_units} units in {len(layers)} layers", file=sys.stderr)


def _verify(arguments: argparse.Namespace) -> int:
    from conditions.stimulus_set import StimulusSet
    from stimgen.networks.devices import pick_device
    from stimgen.sets.provenance import network_of, read_provenance
    from stimgen.sets.verify import verify, verify_activations

    stimuli = StimulusSet.open(arguments.set)
    settings = read_provenance(arguments.set).settings
    faults = verify(stimuli, settings, quiet=arguments.quiet)
    if not arguments.files_only:
        network = network_of(arguments.set, arguments.weights, pick_device(arguments.device))
        faults += verify_activations(stimuli, network, settings.activation, quiet=arguments.quiet)
    for fault in faults:
        print(f"{fault.where}: {fault.what}")
    checked = f"{len(stimuli.manifest)} images of {len(stimuli.units)} units"
    print(f"{checked}: {len(faults)} faults" if faults else f"{checked}: everything is in order")
    return 1 if faults else 0


def _diff(arguments: argparse.Namespace) -> int:
    from conditions.stimulus_set import StimulusSet
    from stimgen.sets.comparison import differences

    lines = list(differences(*map(StimulusSet.open, (arguments.first, arguments.second))))
    print("\n".join(lines) if lines else "the sets are the same")
    return 1 if lines else 0


def _gallery(arguments: argparse.Namespace) -> None:
    from stimgen.sets.gallery import write_gallery
    from stimgen.sets.partial import PartialFolder

    with PartialFolder(arguments.set).writing():
        print(f"wrote {shown(write_gallery(arguments.set))}")


def _export(arguments: argparse.Namespace) -> None:
    from conditions.stimulus_set import StimulusSet
    from stimgen.sets.export import export

    stimuli = StimulusSet.open(arguments.set)
    n, n_left_out = export(stimuli, arguments.layout, arguments.out, quiet=arguments.quiet)
    print(f"exported {n} images to {shown(arguments.out)}")
    if n_left_out:
        print(f"{n_left_out} others have no place in the layout", file=sys.stderr)


def _bench(arguments: argparse.Namespace) -> None:
    import torch

    from stimgen.benchmark.figures import Bench, machine, table
    from stimgen.networks.devices import pick_device

    if arguments.repeats < 1:
        raise BadInput(f"--repeats {arguments.repeats}: expected 1 or more")
    for part in arguments.parts:
        if part not in PARTS:
            raise BadInput(f"no part {part!r} to measure{nearest(part, PARTS)}")
    device = pick_device(arguments.device)
    if arguments.processor_time:
        torch.set_num_threads(1)
    print(machine(device), flush=True)
    bench = Bench(device, arguments.repeats, "processor" if arguments.processor_time else "wall")
    print(table(bench.measure(arguments.parts or PARTS)))


def _occlude(arguments: argparse.Namespace) -> None:
    from conditions.stimulus_set import StimulusSet
    from stimgen.networks.devices import pick_device
    from stimgen.occlusion.occlusion_set import OcclusionSet
    from stimgen.sets.provenance import network_of
    from stimgen.settings import OcclusionSettings

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
    _report_left_out(left_out)


def _report_left_out(left_out: Sequence[str]) -> None:
    if left_out:
        print(
            f"{len(left_out)} base images allow no query pair, such as {left_out[0]}",
            file=sys.stderr,
        )


def _draw_layer(arguments: argparse.Namespace) -> None:
    from stimgen.settings import read
    from stimgen.visualization.layer_pictures import save_layer_picture

    save_layer_picture(
        read(arguments.settings),
        arguments.layer,
        arguments.out,
        arguments.image,
        cosine_power=arguments.cosine_power,
        side=arguments.side,
        weights=arguments.weights,
        seed=arguments.seed,
        device=arguments.device,
        quiet=arguments.quiet,
    )
    print(f"wrote {shown(arguments.out)}")


if __name__ == "__main__":
    sys.exit(main())
