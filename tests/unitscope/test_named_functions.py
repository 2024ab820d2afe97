from pathlib import Path

import pytest

from unitscope.errors import BadInput
from unitscope.named_functions import find_function


def test_a_function_is_found() -> None:
    assert find_function("os.path:join", "anything")("a", "b") == str(Path("a", "b"))


@pytest.mark.parametrize("name", ["", ":", "os", "os:", "os.path:nobody", "os:sep", "no.where:f"])
def test_what_is_none_gets_a_sentence(name: str) -> None:
    with pytest.raises(
        BadInput, match=r"^saliency '.*' is not a function package\.module:function"
    ):
        find_function(name, "saliency")


def test_a_module_that_cannot_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_a_module.py").write_text("def f(:\n")
    (tmp_path / "ends_early.py").write_text("raise RuntimeError('no licence')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BadInput, match="SyntaxError"):
        find_function("half_a_module:f", "network")
    with pytest.raises(BadInput, match="RuntimeError: no licence"):
        find_function("ends_early:f", "network")
