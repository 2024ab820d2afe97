"""Decoding of photographs by processes of their own.

Threads wait for each other wherever Python itself runs, and for the thread that gives the device
its work; with many cores processes decode twice as many images.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from contextlib import suppress
from io import BufferedReader, BytesIO
from queue import SimpleQueue
from typing import cast

import numpy as np
from tqdm import tqdm

from stimgen.sweeps.photographs import crop, read_rgb

_LENGTH = struct.Struct("<q")
_DECODED, _FAILED = b"y", b"n"

_PIPE_BYTES = 1 << 18
"""Room for a whole file or image, where the system lets it be chosen."""

_AS_USUAL = -1

_START = (
    "import sys; resize_px, crop_px, *sys.path[:] = sys.argv[1:]\n"
    "sys.modules['torchcodec'] = None\n"
    "from stimgen.sweeps.decoding_processes import serve; serve(int(resize_px), int(crop_px))"
)
"""What a process runs: not the program that starts it, whatever that is, and Pillow alone, which
gives the same pixels and needs neither the memory nor the start of torch."""


class DecodingProcesses:
    """Processes that decode and crop photographs, for as many threads.

    They end with the block, and by themselves if the program that started them is gone.

    Parameters
    ----------
    n
        Number of processes.
    resize_px, crop_px
        How photographs are cropped; see :func:`stimgen.sweeps.photographs.crop`.
    """

    def __init__(self, n: int, resize_px: int, crop_px: int) -> None:
        command = [sys.executable, "-W", "ignore", "-c", _START, str(resize_px), str(crop_px)]
        self._all = [_start([*command, *sys.path]) for _ in range(n)]
        self._free: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        for process in self._all:
            self._free.put(process)
        self._has_told = False

    def __call__(self, data: bytes, pixels: np.ndarray) -> bool:
        """Decode the content of a file, and return whether that was possible.

        Parameters
        ----------
        data
            Content of an image's file.
        pixels
            Filled with the image: height x width x 3, ``uint8``.
        """
        process = self._free.get()
        try:
            return _ask(process, data, pixels)
        except (OSError, EOFError):
            self._tell(process)
            return False
        finally:
            self._free.put(process)

    def _tell(self, process: subprocess.Popen[bytes]) -> None:
        if not self._has_told:
            self._has_told = True
            ended = f"a process that decoded photographs ended with code {process.wait()}"
            tqdm.write(f"{ended}; a thread reads on in its place", file=sys.stderr)

    def __enter__(self) -> DecodingProcesses:
        return self

    def __exit__(self, *error: object) -> None:
        for process in self._all:
            process.kill()
        for process in self._all:
            process.wait()
            assert process.stdin is not None and process.stdout is not None
            process.stdout.close()
            with suppress(OSError):  # what it did not take any more
                process.stdin.close()


def _start(command: list[str], pipe_bytes: int = _PIPE_BYTES) -> subprocess.Popen[bytes]:
    # With glibc a process keeps the memory of an image for the next one, a quarter faster.
    kept = dict.fromkeys(("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"), str(2**28))
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pipesize=pipe_bytes,
            env={**os.environ, **kept, "OMP_NUM_THREADS": "1"},
            # Ctrl-C reaches the program only, which then ends its processes.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    except PermissionError:
        # A user's pipes have so much room in all; others do with the usual, a little slower.
        if pipe_bytes == _AS_USUAL:
            raise
        return _start(command, _AS_USUAL)


def _ask(process: subprocess.Popen[bytes], data: bytes, pixels: np.ndarray) -> bool:
    assert process.stdin is not None
    process.stdin.write(_LENGTH.pack(len(data)))
    process.stdin.write(data)
    process.stdin.flush()
    answers = cast(BufferedReader, process.stdout)
    answer = answers.read(1)
    if answer == _FAILED:
        return False
    if answer != _DECODED or answers.readinto(pixels.data.cast("B")) != pixels.nbytes:
        raise EOFError
    return True


def serve(resize_px: int, crop_px: int) -> None:
    """Answer each file on standard input by its pixels, until there are no more."""
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # whatever a decoder prints is no answer
    try:
        while len(header := questions.read(_LENGTH.size)) == _LENGTH.size:
            (length,) = _LENGTH.unpack(header)
            data = questions.read(length)
            try:
                pixels = np.ascontiguousarray(crop(read_rgb(BytesIO(data)), resize_px, crop_px))
            except Exception:  # the program reads it again, and says what is wrong
                answers.write(_FAILED)
            else:
                answers.write(_DECODED)
                answers.write(pixels.data.cast("B"))
            answers.flush()
    except OSError:
        pass
    # Else Python would complain that the program, which is gone, takes no more answers.
    os._exit(0)
