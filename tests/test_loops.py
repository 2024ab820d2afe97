"""No test passes because what it loops over is empty."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import some

TESTS = Path(__file__).parent
FILES = sorted(TESTS.rglob("test_*.py"))


def hold_something(node: ast.expr) -> bool:
    """Return whether an iterable is never empty: written out, or refused by ``some`` when it is."""
    if isinstance(node, ast.Tuple | ast.List):
        return bool(node.elts)
    if isinstance(node, ast.Constant):
        return bool(node.value)
    if isinstance(node, ast.BinOp):
        return hold_something(node.left) or hold_something(node.right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == "range":
            return all(isinstance(bound, ast.Constant) for bound in node.args)
        if node.func.id in ("enumerate", "sorted", "zip", "reversed"):
            return all(hold_something(argument) for argument in node.args)
        return node.func.id == "some"
    # What a module writes out in capitals is a table of its own.
    return isinstance(node, ast.Name) and node.id.isupper()


def checks(node: ast.AST) -> bool:
    """Return whether a statement checks something by itself."""
    if isinstance(node, ast.With):
        return any("raises" in ast.unparse(item.context_expr) for item in node.items)
    return isinstance(node, ast.Assert)


def loops_around_checks(
    node: ast.AST, around: tuple[ast.For, ...] = ()
) -> Iterator[tuple[ast.For, ...]]:
    """Yield, for some check in a function, the loops that it stands in."""
    for child in ast.iter_child_nodes(node):
        if checks(child):
            yield around
        inner = (*around, child) if isinstance(child, ast.For) else around
        yield from loops_around_checks(child, inner)


def empty_passes(source: str) -> list[str]:
    """Return what a test file loops over that could be empty without any test failing."""
    found = []
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef) or not function.name.startswith("test_"):
            continue
        # hypothesis finds examples that are not empty.
        if any("given" in ast.unparse(decorator) for decorator in function.decorator_list):
            continue
        around = list(loops_around_checks(function))
        if around and all(around):
            loops = {loop for nest in around for loop in nest}
            found += [
                f"line {loop.iter.lineno}: {ast.unparse(loop.iter)}"
                for loop in loops
                if not hold_something(loop.iter)
            ]
        for call in ast.walk(function):
            # all() of nothing is true.
            if isinstance(call, ast.Assert) and isinstance(call.test, ast.Call):
                test = call.test
                if isinstance(test.func, ast.Name) and test.func.id == "all":
                    (argument,) = test.args
                    own = argument
                    if isinstance(argument, ast.GeneratorExp):
                        own = argument.generators[0].iter
                    if not hold_something(own):
                        found.append(f"line {call.lineno}: all of {ast.unparse(own)}")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(TESTS).as_posix())
def test_what_is_looped_over_is_not_empty(path):
    assert empty_passes(path.read_text(encoding="utf-8")) == [], "wrap it in some(...)"


@pytest.mark.parametrize(
    ("body", "is_seen"),
    [
        ("for row in rows(): assert row", True),
        ("for row in some(rows()): assert row", False),
        ("for row in rows():\n        for cell in some(row): assert cell", True),
        ("for row in (1, 2): assert row", False),
        ("for row in rows(): assert row\n    assert rows()", False),
        ("assert all(row for row in rows())", True),
        ("assert all(row for row in some(rows()))", False),
    ],
)
def test_a_loop_over_what_may_be_empty_is_seen(body, is_seen):
    assert bool(empty_passes(f"def test_it():\n    {body}\n")) == is_seen


def test_each_refuses_nothing():
    assert some(iter("ab")) == ["a", "b"]
    with pytest.raises(AssertionError, match="nothing to loop over"):
        some(iter(""))
