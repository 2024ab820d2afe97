"""Functions that a user names as ``package.module:function``.

They are named on the command line or in the settings of whoever runs a command, never by data.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from unitscope.errors import BadInput


def find_function(
    name: str, what: str, expected: str = "a function package.module:function"
) -> Callable[..., Any]:
    """Import a function by its name.

    Parameters
    ----------
    name
        ``package.module:function``; the module lies in the current folder or is installed.
    what
        What the function is for; the error begins with it.
    expected
        What else the name might be, for the error.

    Raises
    ------
    BadInput
        If there is no such function, or its module cannot be imported.
    """
    module_name, _, function_name = name.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), function_name)
    except (Exception, SystemExit) as error:  # a module may raise anything while it is imported
        raise BadInput(f"{what} {name!r} is not {expected} ({reason(error)})") from None
    if not callable(found):
        raise BadInput(f"{what} {name!r} is not {expected} (it cannot be called)")
    function: Callable[..., Any] = found
    return function


def reason(error: BaseException) -> str:
    """Return an error's class and the first line of its message."""
    lines = str(error).strip().splitlines()
    return ": ".join([type(error).__name__, *lines[:1]])
