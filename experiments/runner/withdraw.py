"""Withdrawal of a participant: the data are left out from then on, or deleted for good."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path

from filelock import FileLock, Timeout

from experiments.runner.demographics import FILE
from experiments.runner.log import FILE_LOCK_S, LOCK, completed_trials, session_folder
from unitscope.cells import read_content, read_sheet
from unitscope.disk import FILE_MODE, replace, whole_folder
from unitscope.errors import BadInput, nearest
from unitscope.places import shown
from unitscope.records import PILOT, read_session
from unitscope.withdrawal import WITHDRAWN, Withdrawal, is_withdrawn, read_withdrawal

CACHE = ".cache"
"""Folder beside the logs with copies of what was read of them."""


class Withdrawing:
    """The withdrawal of one participant.

    Parameters
    ----------
    data
        Folder of all logs.
    design
        Name of the design.
    participant
        Id.

    Raises
    ------
    BadInput
        If there is nothing of the participant.
    """

    def __init__(self, data: Path, design: str, participant: str) -> None:
        self._data, self._design, self._participant = data, design, participant
        own = session_folder(data, design, participant, 1).parent
        pilot = session_folder(data / PILOT, design, participant, 1).parent
        self._folders = [folder for folder in (own, pilot) if folder.is_dir()]
        if not self._folders:
            others = [path.name.removeprefix("sub-") for path in own.parent.glob("sub-*")]
            raise BadInput(
                f"{own}: there are no data of participant {participant}"
                f"{nearest(participant, others)}"
            )

    def what(self) -> list[str]:
        """Return what there is of the participant, a line each."""
        lines = [f"{shown(folder)}: {self._contents(folder)}" for folder in self._folders]
        lines += [
            f"{shown(path)}: line {', '.join(map(str, numbers))}"
            for path, numbers in self._listed()
        ]
        lines += [
            f"{shown(cache)}: copies of the logs of all participants, which are made anew"
            for cache in self._caches()
        ]
        return lines

    def mark(self, on: date) -> None:
        """Have the data left out by everything that reads them.

        Raises
        ------
        BadInput
            If a session of the participant is running.
        """
        with ExitStack() as locks:
            for folder in self._folders:
                for session in sorted(folder.glob("ses-*")):
                    self._lock(locks, session)
            for folder in self._folders:
                if not is_withdrawn(folder):
                    replace(folder / WITHDRAWN, self._text(on, deleted=False))

    def delete(self, on: date) -> None:
        """Delete everything but the mark, which then says so.

        The data are marked first and moved out of sight as a whole before they are deleted, so that
        nothing reads a part of them; after a crash the same command deletes what is left.

        Raises
        ------
        BadInput
            If a session of the participant is running, or something cannot be deleted.
        """
        self.mark(on)
        for path, numbers in self._listed():
            self._without(path, numbers)
        try:
            for cache in self._caches():
                shutil.rmtree(cache)
            for folder in self._folders:
                known = read_withdrawal(folder)
                if known and known["data"] == "kept":
                    day = date.fromisoformat(known["withdrawn_on"] or on.isoformat())
                    with whole_folder(folder, private=True, check=lambda _: None) as making:
                        replace(making / WITHDRAWN, self._text(day, deleted=True))
                for rest in folder.parent.glob(f".{folder.name}-*"):
                    shutil.rmtree(rest)
        except OSError as error:
            raise BadInput(
                f"{error.filename}: cannot be deleted ({error.strerror}); nothing reads what is "
                "left of the participant, and the same command deletes it"
            ) from None

    def _contents(self, folder: Path) -> str:
        known = read_withdrawal(folder)
        if known and known["data"] == "deleted":
            return f"deleted already (withdrawn on {known['withdrawn_on']})"
        sessions = [
            f"session {int(path.name.removeprefix('ses-'))} "
            f"({read_session(path).get('end_reason', 'running')}, {completed_trials(path)} trials)"
            for path in sorted(folder.glob("ses-*"))
        ]
        files = sum(path.is_file() for path in folder.rglob("*"))
        return f"{', '.join(sessions) or 'no session'}; {files} files"

    def _listed(self) -> Iterator[tuple[Path, list[int]]]:
        """Yield the lists of participants and the lines there that are about this one."""
        ours = self._data / FILE
        for path in (ours, self._data / self._design / FILE):
            if not path.is_file():
                continue
            sheet = read_sheet(read_content(path), path)
            keys = ("participant", "design") if path == ours else ("participant_id",)
            wanted = {
                "participant": {self._participant},
                "design": {self._design},
                "participant_id": {self._participant, f"sub-{self._participant}"},
            }
            if not set(keys) <= set(sheet.header):
                continue
            numbers = [
                line
                for line, row in zip(sheet.lines, sheet.records(), strict=True)
                if all(row[key] in wanted[key] for key in keys)
            ]
            if numbers:
                yield path, numbers

    def _without(self, path: Path, numbers: list[int]) -> None:
        """Take lines out of a file."""
        with FileLock(path.parent / f".{path.name}.lock", timeout=FILE_LOCK_S, mode=FILE_MODE):
            lines = read_content(path).splitlines(keepends=True)
            kept = [line for n, line in enumerate(lines, start=1) if n not in numbers]
            replace(path, b"".join(kept))

    def _caches(self) -> list[Path]:
        return [cache for cache in [self._data / self._design / CACHE] if cache.is_dir()]

    def _lock(self, locks: ExitStack, session: Path) -> None:
        try:
            locks.enter_context(FileLock(session / LOCK, mode=FILE_MODE, timeout=0))
        except Timeout:
            raise BadInput(f"{session}: this session is running; end it first") from None

    def _text(self, on: date, *, deleted: bool) -> bytes:
        mark = Withdrawal(
            participant=self._participant,
            design=self._design,
            withdrawn_on=on.isoformat(),
            data="deleted" if deleted else "kept",
        )
        return f"{json.dumps(mark, indent=2)}\n".encode()
