"""YAML files read into frozen dataclasses; unknown keys and values of other types are refused."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import yaml

from unitscope.errors import BadInput, nearest

Settings = TypeVar("Settings")

_NAMES = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    date: "a date such as 2027-03-31 (without quotes)",
}

LARGEST = 2**53
"""Limit on the size of numbers, up to which every program keeps each digit of whole ones."""

MOST_OF_ANY = 10**300
"""Limit on whole numbers of any meaning, beyond which nothing can even be said of them."""

MOST_NODES = 100_000
"""Limit on the values that a file stands for: nested aliases multiply without end."""


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice, which YAML would silently drop."""

    def get_single_node(self) -> yaml.Node | None:
        node: yaml.Node | None = super().get_single_node()
        if node is not None and _size(node, {}) > MOST_NODES:
            raise yaml.MarkedYAMLError(
                problem=f"its aliases stand for more than {MOST_NODES} values",
                problem_mark=node.start_mark,
            )
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = key_node.value
            if key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"key {key!r} twice", problem_mark=key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _whole_number(loader: _Loader, node: yaml.ScalarNode) -> int:
    value: int = loader.construct_yaml_int(node)
    if abs(value) > MOST_OF_ANY:  # Python neither writes these out nor makes floats of them.
        raise yaml.MarkedYAMLError(
            problem="a number of hundreds of digits", problem_mark=node.start_mark
        )
    return value


_Loader.add_constructor("tag:yaml.org,2002:int", _whole_number)


def _size(node: yaml.Node, known: dict[yaml.Node, float]) -> float:
    """Return how many values a node stands for once all aliases are expanded."""
    if node not in known:
        known[node] = math.inf  # for a node that contains itself
        inner: list[yaml.Node] = []
        if isinstance(node, yaml.SequenceNode):
            inner = node.value
        elif isinstance(node, yaml.MappingNode):
            inner = [part for pair in node.value for part in pair]
        known[node] = 1 + sum(_size(part, known) for part in inner)
    return known[node]


def read_yaml(path: Path | str) -> dict[str, Any]:
    """Read a YAML file that holds one mapping.

    Raises
    ------
    BadInput
        If the file is missing, is not YAML (with the line) or holds no mapping.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read ({error})") from None
    try:
        data = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise BadInput(f"{path}{line}: not valid YAML ({error.problem})") from None
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        raise BadInput(f"{path}: not valid YAML ({' '.join(str(error).split())})") from None
    if not isinstance(data, dict):
        raise BadInput(f"{path}: found {type(data).__name__}, expected keys with values")
    return data


def read_settings(path: Path | str, cls: type[Settings]) -> Settings:
    """Read a YAML file as an instance of a dataclass.

    Keys are the dataclass's fields; a field without a default is required. Fields may be numbers,
    text, dates, dataclasses, tuples, mappings with text keys, and unions of those with None.

    Raises
    ------
    BadInput
        Naming the file and the key that is unknown (with the nearest known one), is missing or has
        a value of another type.
    """
    return build(cls, read_yaml(path), str(path))


# No library does this as well: msgspec ignores unknown keys of dataclasses and accepts NaN, and
# pydantic is strict about dataclasses only with JSON, which turns dates and number keys into text.
def build(cls: type[Settings], data: dict[str, Any], where: str, prefix: str = "") -> Settings:
    """Make an instance of a dataclass from plain data; errors start with ``where``."""
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init}  # type: ignore[arg-type]
    for key in data:
        if key not in fields:
            hint = nearest(str(key), fields)
            raise BadInput(f"{where}: unknown key {prefix + str(key)!r}{hint}")
    for name, field in fields.items():
        required = (
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        )
        if required and name not in data:
            raise BadInput(f"{where}: key {prefix + name!r} is missing")
    hints = typing.get_type_hints(cls)
    values = {key: _convert(hints[key], value, where, prefix + key) for key, value in data.items()}
    try:
        return cls(**values)
    except ValueError as error:
        raise BadInput(f"{where}: {prefix.rstrip('.')}{': ' if prefix else ''}{error}") from None


def _convert(hint: Any, value: Any, where: str, key: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _convert_union(arguments, value, where, key)
    if origin is typing.Literal:
        if value not in arguments:
            hint_text = nearest(str(value), map(str, arguments))
            raise BadInput(
                f"{where}: {key!r} is {value!r}, expected one of "
                f"{', '.join(map(str, arguments))}{hint_text}"
            )
        return value
    if origin is tuple:
        return _convert_tuple(arguments, value, where, key)
    if origin is dict:
        if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
            raise BadInput(f"{where}: {key!r} is {value!r}, expected keys with values")
        return {
            _convert(arguments[0], n, where, f"{key}.{n}"): _convert(
                arguments[1], v, where, f"{key}.{n}"
            )
            for n, v in value.items()
        }
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, dict):
            raise BadInput(f"{where}: {key!r} is {value!r}, expected keys with values")
        return build(typing.cast(type, hint), value, where, f"{key}.")
    return _convert_scalar(hint, value, where, key)


def _convert_union(arguments: tuple[Any, ...], value: Any, where: str, key: str) -> Any:
    if value is None and type(None) in arguments:
        return None
    options = [a for a in arguments if a is not type(None)]
    error = None
    for option in options:
        try:
            return _convert(option, value, where, key)
        except BadInput as this:
            error = error or this
    assert error is not None
    raise error


def _convert_tuple(arguments: tuple[Any, ...], value: Any, where: str, key: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise BadInput(f"{where}: {key!r} is {value!r}, expected a list")
    if arguments[-1] is Ellipsis:
        return tuple(_convert(arguments[0], v, where, f"{key}[{i}]") for i, v in enumerate(value))
    if len(value) != len(arguments):
        raise BadInput(f"{where}: {key!r} is {value!r}, expected {len(arguments)} values")
    return tuple(
        _convert(argument, v, where, f"{key}[{i}]")
        for i, (argument, v) in enumerate(zip(arguments, value, strict=True))
    )


def _convert_scalar(hint: Any, value: Any, where: str, key: str) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) < 1e300 else math.inf
    if (
        not isinstance(value, hint)
        or isinstance(value, datetime)
        or (isinstance(value, bool) and hint is not bool)
    ):
        raise BadInput(f"{where}: {key!r} is {value!r}, expected {_NAMES[hint]}")
    if isinstance(value, float) and not math.isfinite(value):
        raise BadInput(f"{where}: {key!r} is {value!r}, expected a finite number")
    if isinstance(value, int | float) and abs(value) > LARGEST:
        raise BadInput(f"{where}: {key!r} is {value:.4g}, expected -2^53 to 2^53")
    return value
