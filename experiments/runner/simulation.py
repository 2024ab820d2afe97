"""Run a session without a window: an observer on a clock that costs no time."""

from __future__ import annotations

from experiments.runner.observers import Observer
from experiments.runner.pages import Page
from experiments.runner.phases import ENDED, LEFT
from experiments.runner.responses import Press
from experiments.runner.session import Session
from experiments.runner.two_afc import QUERIES, TwoAFCTrial

FRAME_S = 1 / 60


def simulate(session: Session, observer: Observer) -> None:
    """Let an observer go through what remains of a session, frame by frame.

    Parameters
    ----------
    session
        An open session; it is finished when this returns.
    observer
        Answers every trial.
    """
    clock_s = 0.0
    with session:
        for stage in session.stages(FRAME_S):
            clock_s, phase, frames = _run_stage(stage, session, observer, clock_s)
            if phase == LEFT:
                break
            if isinstance(stage, TwoAFCTrial):
                measured = {
                    "response_source": "simulated",
                    "frames": frames,
                    "dropped_frames": 0,
                    "largest_frame_interval_s": FRAME_S,
                    "photodiode": "off",
                }
                session.record(stage, measured)


def _run_stage(
    stage: Page | TwoAFCTrial, session: Session, observer: Observer, clock_s: float
) -> tuple[float, str, int]:
    keys = session.design.keys
    by_answer = {answer: key for key, answer in keys.response.items()}
    coming: list[Press] = []
    shown, frames = "", 0
    while True:
        due = [press for press in coming if press.time_s <= clock_s]
        coming = [press for press in coming if press.time_s > clock_s]
        phase = stage.step(clock_s, due)
        if phase in ENDED:
            return clock_s, phase, frames
        clock_s += FRAME_S
        frames += 1
        stage.flipped(clock_s)
        if phase == shown:
            continue
        shown = phase
        if isinstance(stage, TwoAFCTrial):
            if phase == QUERIES:
                answer = observer.respond(stage.row)
                key = by_answer[answer.choice, answer.confidence]
                coming.append(Press(clock_s + answer.rt_s, key))
        else:
            coming.append(Press(clock_s + 0.5, keys.forward))
