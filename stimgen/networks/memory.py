"""Memory that a pass through a network frees is kept for the next one."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8
"""Numbers by which glibc knows its parameters (``malloc.h``)."""

_NEVER = 2**31 - 1


@cache
def keep_freed_memory() -> bool:
    """Let the process keep large blocks of memory that it frees, where the C library is glibc.

    Else it gives the blocks of each activation back, and the kernel must clear every page of the
    next one. One arena serves all threads, for the others take no block above 64 MB. Results do not
    change; other C libraries are left alone.

    Returns
    -------
    bool
        Whether the library took it.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018  # raises where it is not glibc
        wanted = {_MMAP_MAX: 0, _TRIM_THRESHOLD: _NEVER, _ARENA_MAX: 1}
        return all(library.mallopt(what, value) == 1 for what, value in wanted.items())
    except (OSError, AttributeError):
        return False
