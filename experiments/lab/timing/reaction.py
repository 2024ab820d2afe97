"""Reaction times of a participant whose true ones are known: a process that watches and presses."""

from __future__ import annotations

from experiments.lab.timing.companion import Stranger
from experiments.lab.timing.errors import reaction_errors_ms
from experiments.lab.timing.material import make_material
from experiments.lab.timing.rig import Rig, in_turns
from experiments.lab.timing.series import Series


def measure(rig: Rig, trials: int) -> list[Series]:
    """Show 20 pictures; a second process sees them and presses 150 to 250 ms later."""
    material = make_material(
        rig.folder, "reaction", fixation_s=0.2, blank_s=0.05, response_limit_s=2
    )
    found = []
    for round_, (way, part) in enumerate(in_turns(trials)):
        stranger = Stranger(rig.display, rig.pixel(material), (0.15, 0.25), seed=round_)
        errors, lost = reaction_errors_ms(rig.run(way, material, part, stranger))
        what = f"logged minus true reaction time, from sight to press, {rig.rate}"
        found.append(Series("reaction", what, way, errors, lost=lost))
    return found
