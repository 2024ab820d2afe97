"""How long timed phases are, and what lies between two trials."""

from __future__ import annotations

from experiments.lab.timing.companion import Hand
from experiments.lab.timing.errors import gaps_ms, phase_errors_ms
from experiments.lab.timing.material import make_material
from experiments.lab.timing.rig import Rig, in_turns
from experiments.lab.timing.series import Series
from experiments.runner.trial import FEEDBACK, FIXATION

NOMINAL_S = {FIXATION: 0.3, FEEDBACK: 0.5}
SIZES_PX = (224, 400)


def measure(rig: Rig, trials: int) -> list[Series]:
    """Time the fixation and the feedback of trials with 20 pictures, and the gaps between them."""
    found = []
    for size_px in SIZES_PX:
        material = make_material(
            rig.folder,
            f"durations{size_px}",
            size_px=size_px,
            feedback=True,
            fixation_s=NOMINAL_S[FIXATION],
            feedback_s=NOMINAL_S[FEEDBACK],
            blank_s=0.05,
        )
        for way, part in in_turns(trials):
            run = rig.run(way, material, part, Hand(rig.display, after_s=0.1))
            if size_px == SIZES_PX[0]:
                for phase, nominal_s in NOMINAL_S.items():
                    errors = phase_errors_ms(run.frames, phase, nominal_s)
                    what = f"{phase} minus its {1000 * nominal_s:.0f} ms, {rig.rate}"
                    found.append(Series("durations", what, way, errors))
            what = f"last flip to the next trial's first, 20 pictures of {size_px} px"
            if rig.scale(material) < 1:
                what += f" shown at {rig.scale(material):.2f}"
            found.append(Series("durations", what, way, gaps_ms(run.frames)))
    return found
