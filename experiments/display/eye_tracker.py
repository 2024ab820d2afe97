"""An eye tracker run by PsychoPy's ioHub: it records the session and gets a message per phase."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from experiments.display.hook import FlipHook, event_of
from experiments.runner.phases import Stage
from experiments.runner.session import Session
from experiments.runner.trial import Trial
from unitscope.errors import BadInput
from unitscope.settings import read_yaml

CATEGORY = "unitscope"
SETUP = "setup"


class EyeTracker(FlipHook):
    """Starts ioHub with the session and stops it at its end.

    ioHub writes samples and messages to ``eye_tracker_run-01.hdf5`` beside the log.

    Parameters
    ----------
    config
        YAML file of this machine: ioHub's name of one eye tracker, such as
        ``eyetracker.hw.mouse.EyeTracker``, to its settings; and ``setup: true`` to run the
        tracker's own calibration first.
    session
        The open session.
    win
        The window.

    Raises
    ------
    BadInput
        If the file names no eye tracker, or ioHub cannot start it.
    """

    def __init__(self, config: Path, session: Session, win: Any) -> None:
        settings = read_yaml(config)
        setup = settings.pop(SETUP, False)
        (device, own), *others = settings.items() or [("", None)]
        if others or not str(device).startswith("eyetracker.") or not isinstance(own, dict):
            raise BadInput(
                f"{config}: expected one key such as eyetracker.hw.mouse.EyeTracker with its "
                f"settings, found {', '.join(map(str, settings)) or 'none'}"
            )
        file = session.log.folder / f"eye_tracker_run-{session.run:02d}"
        own = {"name": "tracker", "enable": True} | own
        from psychopy.iohub.client import launchHubServer  # slow to import

        self._hub: Any = None
        self._tracker: Any = None
        try:
            self._hub = launchHubServer(
                window=win,
                experiment_code=session.design.name[:256],
                session_code=f"{session.request.participant}-{session.number}-{session.run}",
                datastore_name=str(file.resolve()),
                **{str(device): own},
            )
            self._tracker = self._hub.getDevice(own["name"])
            if not hasattr(self._tracker, "setRecordingState"):
                raise RuntimeError("ioHub does not accept its settings")
            if setup:
                self._tracker.runSetupProcedure()
            self._tracker.setRecordingState(True)
        except Exception as error:  # of ioHub or of the tracker's library
            self.close()
            said = " ".join(str(error).split()) or type(error).__name__
            raise BadInput(f"{config}: {device} cannot be started ({said})") from None
        session.note({"eye_tracker": str(device)})

    def on_flip(self, phase: str, stage: Stage) -> None:
        """Send a message such as ``trial 7 queries``, timed by ioHub's clock."""
        number = f"trial {stage.row['trial_number']} " if isinstance(stage, Trial) else ""
        self._hub.sendMessageEvent(number + event_of(phase, stage), category=CATEGORY)

    def close(self) -> None:
        """Stop recording and end ioHub's process."""
        if self._hub is None:
            return
        hub, self._hub = self._hub, None
        # Whatever the tracker raises, ioHub's process and the session have to end.
        with suppress(Exception):
            self._tracker.setRecordingState(False)
        hub.quit()
