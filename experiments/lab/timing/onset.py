"""When pictures are seen on the screen, against the logged onset: a photodiode made of software."""

from __future__ import annotations

from experiments.lab.timing.companion import Stranger
from experiments.lab.timing.errors import onset_errors_ms
from experiments.lab.timing.material import make_material
from experiments.lab.timing.rig import Rig, in_turns
from experiments.lab.timing.series import Series


def measure(rig: Rig, trials: int) -> list[Series]:
    """Show 20 pictures; a second process looks at a pixel of one of them and then answers."""
    material = make_material(rig.folder, "onset", fixation_s=0.2, blank_s=0.05, response_limit_s=2)
    found = []
    for way, part in in_turns(trials):
        stranger = Stranger(rig.display, rig.pixel(material), delay_s=(0.05, 0.1))
        errors, lost = onset_errors_ms(rig.run(way, material, part, stranger))
        what = f"pictures seen minus logged onset, {rig.rate}"
        found.append(Series("onset", what, way, errors, lost=lost))
    return found
