"""A rendering of the toy network that can be killed: ``python -m tests.stimgen.rendering``."""

from __future__ import annotations

import argparse
import os
import signal
from pathlib import Path

import torch

from stimgen.networks.network import Network
from stimgen.studies.build_settings import ActivationSettings
from stimgen.studies.prior_settings import PriorSettings
from stimgen.studies.synthetic_settings import SearchSettings, SyntheticSettings
from stimgen.sweeps.ranks import Ranks
from stimgen.visualization.goals import Goal
from stimgen.visualization.parametrization import Parametrization
from stimgen.visualization.render import render
from stimgen.visualization.rendering_methods import open_method
from tests.stimgen.conftest import make_toy

SETTINGS = SyntheticSettings(
    per_pole=2,
    steps=12,
    image_px=48,
    margin_px=4,
    jitter_px=(4, 2),
    batch=4,
    activation_unit="raw",
    priors=PriorSettings(total_variation=0.1),
    search=SearchSettings(lowest=0.01, decades=2, steps=2),
)


def goals_of(network: Network) -> list[Goal]:
    """Five units, both poles, over both layers."""
    units = [network.unit("late", "", channel) for channel in (5, 1, 2)]
    units += [network.unit("early", "", channel) for channel in (0, 4)]
    return [
        Goal(unit, pole, (2 * place, 2 * place + 1), strongest=0.0)
        for place, unit in enumerate(units)
        for pole in ("min", "max")
    ]


def render_toy(
    folder: Path,
    settings: SyntheticSettings = SETTINGS,
    *,
    kill_at: int | None = None,
    interrupt_at: int | None = None,
    ranks: Ranks | None = None,
) -> None:
    """Render into a folder; killed or interrupted in the step of that number, from 1."""
    torch.set_num_threads(1)
    network = make_toy()
    usual, n_steps = open_method(settings, network), 0

    def start(seeds: object) -> Parametrization:
        parametrization = usual(seeds)  # type: ignore[arg-type]
        update = parametrization.update

        def counted(step: int) -> None:
            nonlocal n_steps
            n_steps += 1
            if n_steps == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            if n_steps == interrupt_at:
                raise KeyboardInterrupt
            update(step)

        parametrization.update = counted  # type: ignore[method-assign]
        return parametrization

    render(
        network,
        goals_of(network),
        settings,
        ActivationSettings(),
        40,
        folder,
        start=start,
        ranks=ranks,
        every_s=0,
        quiet=True,
    )
    name = f"steps{ranks.rank if ranks else 0}.txt"
    (folder.parent / name).write_text(str(n_steps))


def main() -> None:
    """Render as the command line says, as one rank under torchrun."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kill-at", type=int)
    arguments = parser.parse_args()
    # torchrun starts a killed rank again, which then lives.
    is_first_life = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") == "0"
    ranks = Ranks.join(torch.device("cpu"))
    render_toy(arguments.folder, kill_at=arguments.kill_at if is_first_life else None, ranks=ranks)
    ranks.wait()


if __name__ == "__main__":
    main()
