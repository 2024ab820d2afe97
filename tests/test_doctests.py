"""Every public function of the numerics has an example, and every example runs."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterator

import pytest

PACKAGES = ("analysis.statistics", "stimgen.visualization")


def public_functions(package: str) -> Iterator[Callable[..., object]]:
    """Yield the public functions that the modules of a package define."""
    for found in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
        for name, value in vars(importlib.import_module(found.name)).items():
            own = getattr(value, "__module__", None) == found.name and not name.startswith("_")
            if own and callable(value) and not inspect.isclass(value):
                yield value


FUNCTIONS = {
    f"{function.__module__}.{function.__name__}": function
    for package in PACKAGES
    for function in public_functions(package)
}


def failures(function: Callable[..., object]) -> str:
    """Return what went wrong in a function's examples, or that it has none."""
    example = doctest.DocTestParser().get_doctest(
        inspect.getdoc(function) or "",
        dict(vars(sys.modules[function.__module__])),
        function.__name__,
        inspect.getsourcefile(function),
        None,
    )
    if not example.examples:
        return f"{function.__name__} has no example"
    said: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.REPORT_UDIFF).run(example, out=said.append)
    return "".join(said)


@pytest.mark.parametrize("package", PACKAGES)
def test_functions_are_found(package: str) -> None:
    assert sum(name.startswith(f"{package}.") for name in FUNCTIONS) >= 20


@pytest.mark.parametrize("name", FUNCTIONS)
def test_examples_run(name: str) -> None:
    assert failures(FUNCTIONS[name]) == ""


def test_wrong_and_missing_examples_are_noticed() -> None:
    def wrong() -> None:
        """Return nothing.

        >>> 1 + 1
        3
        """

    def missing() -> None:
        """Return nothing."""

    assert "Got:\n    2" in failures(wrong)
    assert failures(missing) == "missing has no example"
