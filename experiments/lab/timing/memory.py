"""Memory over many trials."""

from __future__ import annotations

from experiments.lab.timing.companion import Hand
from experiments.lab.timing.errors import growth_kib
from experiments.lab.timing.material import make_material
from experiments.lab.timing.rig import Rig, in_turns
from experiments.lab.timing.series import Series


def measure(rig: Rig, trials: int) -> list[Series]:
    """Run trials with 20 pictures, as short as they can be, and look at the process's memory."""
    material = make_material(rig.folder, "memory", fixation_s=0.02)
    found = []
    for way, part in in_turns(trials, rounds=1):
        run = rig.run(way, material, part, Hand(rig.display, after_s=0.0))
        after = run.memory_mib
        tenth = after[max(0, len(after) // 10 - 1)]
        for what, value, unit in (
            (f"memory after trial {max(1, part // 10)}", tenth, "MiB"),
            (f"memory after trial {part}", after[-1], "MiB"),
            ("growth of memory by trial", growth_kib(after), "KiB"),
        ):
            found.append(Series("memory", what, way, (value,), unit=unit))
    return found
