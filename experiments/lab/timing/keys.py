"""When keys were pressed, against the logged reaction time; and presses that no trial logged."""

from __future__ import annotations

from experiments.lab.timing.companion import Stranger
from experiments.lab.timing.errors import press_errors_ms
from experiments.lab.timing.material import make_material
from experiments.lab.timing.rig import Rig, in_turns
from experiments.lab.timing.series import Series

HOLDS_S = (0.008, 0.08)


def measure(rig: Rig, trials: int) -> list[Series]:
    """Show 2 pictures; a second process presses a key for a short and for a usual time."""
    material = make_material(
        rig.folder, "keys", references=False, fixation_s=0.05, response_limit_s=0.6
    )
    found = []
    for round_, (way, part) in enumerate(in_turns(trials)):
        for hold_s in HOLDS_S:
            stranger = Stranger(rig.display, None, (0.03, 0.13), hold_s, seed=round_)
            errors, lost = press_errors_ms(rig.run(way, material, part, stranger))
            what = f"logged minus true time of a press of {1000 * hold_s:.0f} ms, {rig.rate}"
            found.append(Series("keys", what, way, errors, lost=lost))
    return found
