"""Check a finished stimulus set: every file, every number, every rule."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from PIL import Image
from tqdm import tqdm

from stimgen.networks.network import Network
from stimgen.networks.rounding import agree_anywhere, slack
from stimgen.sets.faults import Fault
from stimgen.sets.measure import measure
from stimgen.sets.verify_occlusion import verify_occlusion
from stimgen.settings import ActivationSettings, BuildSettings
from unitscope.stimulus_set import StimulusSet, sha256_of
from unitscope.vocabulary import Unit

_UNIT = ["network", "layer", "branch", "channel"]


def verify(stimuli: StimulusSet, settings: BuildSettings, *, quiet: bool = False) -> list[Fault]:
    """Check a set's files and rules, without its network.

    Every file is there, unchanged and of one size; none lies there that the manifest lacks; no
    unit shows a picture twice, save a base image and its source; every unit has the images that
    the settings ask for; activation rises with rank; each batch's min query drives the unit less
    than its max query; occlusion stimuli are what their bases and maps say.

    Parameters
    ----------
    stimuli, settings
        The set, and those that it was built with.
    quiet
        Whether to show no progress.
    """
    checks: dict[str, Iterator[Fault]] = {
        "files": _changed_files(stimuli),
        "folder": _stray_files(stimuli),
        "repetitions": _repeated_pictures(stimuli, settings),
        "counts": _missing_images(stimuli, settings),
        "ranks": _misplaced_ranks(stimuli, settings),
        "queries": _unordered_queries(stimuli, settings),
        "occlusion": verify_occlusion(stimuli, settings),
    }
    faults = []
    with tqdm(checks.items(), desc="verify", unit="check", disable=quiet) as progress:
        for name, check in progress:
            progress.set_postfix_str(name)
            faults += list(check)
    return faults


def verify_activations(
    stimuli: StimulusSet,
    network: Network,
    activation: ActivationSettings,
    *,
    quiet: bool = False,
) -> list[Fault]:
    """Measure every picture again and compare with the manifest."""
    rows = [row for row in stimuli.manifest.itertuples() if stimuli.file(row.path).is_file()]
    files = [(stimuli.file(row.path), _unit_of(row)) for row in rows]
    values = measure(network, files, activation, quiet=quiet)
    return [
        Fault(row.path, f"activation is {value:g}, but {row.activation:g} in the manifest")
        for row, value in zip(rows, values, strict=True)
        if not agree_anywhere(value, row.activation, network.precision)
    ]


def _unit_of(row: object) -> Unit:
    network, layer, branch, channel = (getattr(row, name) for name in _UNIT)
    return Unit(network, layer, "" if pd.isna(branch) else branch, int(channel))


def _changed_files(stimuli: StimulusSet) -> Iterator[Fault]:
    first: tuple[int, int] | None = None
    for row in stimuli.manifest.itertuples():
        file = stimuli.file(row.path)
        if not file.is_file():
            yield Fault(row.path, "is missing")
            continue
        if sha256_of(file) != row.sha256:
            yield Fault(row.path, "has changed: its SHA-256 is not the manifest's")
        try:
            with Image.open(file) as image:
                size = image.size
        except OSError:
            yield Fault(row.path, "cannot be read as an image")
            continue
        first = first or size
        if size != first:
            yield Fault(row.path, f"is {size[0]} x {size[1]} px, others {first[0]} x {first[1]}")


def _stray_files(stimuli: StimulusSet) -> Iterator[Fault]:
    known = set(stimuli.manifest["path"])
    for file in sorted((stimuli.folder / "images").rglob("*")):
        path = file.relative_to(stimuli.folder).as_posix()
        if file.is_file() and path not in known:
            yield Fault(path, "is not in the manifest")


def _repeated_pictures(stimuli: StimulusSet, settings: BuildSettings) -> Iterator[Fault]:
    # A query among its unit's references would be such a repetition. Base images are natural ones,
    # and batches of pairs are dealt anew from the same images.
    manifest = stimuli.manifest[stimuli.manifest["kind"] != "base"]
    is_pair = (manifest["batch"] >= settings.natural.n_batches).fillna(False)
    columns = [*(manifest[name] for name in (*_UNIT, "sha256")), is_pair]
    for _, rows in manifest.groupby(columns, dropna=False, sort=False):
        if len(rows) > 1:
            paths = rows["path"].tolist()
            yield Fault(paths[1], f"is the same picture as {paths[0]}")


def _missing_images(stimuli: StimulusSet, settings: BuildSettings) -> Iterator[Fault]:
    natural = settings.natural
    sizes = dict.fromkeys(range(natural.n_batches), natural.n_bins)
    pairs = range(natural.n_batches, natural.n_batches + natural.pair_batches)
    wanted = [("natural", batch, n) for batch, n in (sizes | dict.fromkeys(pairs, 2)).items()]
    for unit in stimuli.units:
        for pole in settings.poles:
            for kind, batch, n in [*wanted, ("synthetic", None, settings.synthetic.per_pole)]:
                found = len(stimuli.images(unit, kind, pole, batch))
                if found != n:
                    where = "" if batch is None else f", batch {batch}"
                    yield Fault(
                        f"{unit.name}{where}", f"has {found} {kind} {pole} images, expected {n}"
                    )


def _misplaced_ranks(stimuli: StimulusSet, settings: BuildSettings) -> Iterator[Fault]:
    manifest = stimuli.manifest[stimuli.manifest["kind"].isin(["natural", "synthetic"])]
    for (*_, kind, pole, _), rows in manifest.groupby(
        [*_UNIT, "kind", "pole", "batch"], dropna=False, sort=False
    ):
        ranked = rows.sort_values("rank")
        if ranked["rank"].tolist() != list(range(len(ranked))):
            yield Fault(ranked["path"].iloc[0], "ranks of its batch are not 0, 1, 2, ...")
        if kind == "natural" and settings.natural.queries is not None:
            # Queries by percentile are less extreme than the references, in the query's place.
            ranked = ranked.iloc[1:] if pole == "min" else ranked.iloc[:-1]
        # The sweep's order may differ from that of measuring again by rounding.
        room = slack(settings.network.precision) * (1 + ranked["activation"].abs())
        falls = ranked["activation"].diff() < -room
        if falls.any():
            yield Fault(ranked.loc[falls, "path"].iloc[0], "drives the unit less than a lower rank")


def _unordered_queries(stimuli: StimulusSet, settings: BuildSettings) -> Iterator[Fault]:
    natural = settings.natural
    for unit in stimuli.units:
        for batch in range(natural.n_batches + natural.pair_batches):
            low, high = (
                stimuli.images(unit, "natural", pole, batch)["activation"]
                for pole in ("min", "max")
            )
            if len(low) and len(high) and not low.iloc[0] < high.iloc[-1]:
                yield Fault(
                    f"{unit.name}, batch {batch}",
                    f"the min query's activation {low.iloc[0]:g} is not below the max query's "
                    f"{high.iloc[-1]:g}",
                )
