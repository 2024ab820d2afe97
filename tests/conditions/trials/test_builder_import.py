"""PsychoPy's Builder reads condition tables as they are."""

import json
import subprocess
import sys

import pytest

from conditions.design.reading import read_design
from unitscope.columns import names, table_columns
from unitscope.tables import write_csv

CODE = """
import json, sys
from psychopy import data
from psychopy.data.utils import importConditions
found = {}
for path in sys.argv[1:]:
    rows, fields = importConditions(path, returnFieldNames=True)
    odd = [f"{name}={cell!r}" for row in rows for name, cell in row.items()
           if isinstance(cell, (list, tuple, dict, set))]
    found[path] = {"rows": len(rows), "fields": list(fields), "odd": odd, "last": {
        name: None if cell is None else str(cell) for name, cell in rows[-1].items()}}
print(json.dumps(found))
"""


@pytest.mark.slow
def test_builder_imports_a_table_of_each_task(tmp_path, table_of):
    pytest.importorskip("psychopy")
    designs = {
        name: read_design(name)
        for name in ("borowski2021_exp1", "zimmermann2021_occlusion", "klein2023_exemplar")
    }
    for name, design in designs.items():
        table = table_of(name, 3)
        write_csv(table, tmp_path / f"{name}.csv", table_columns(design.task))
        # A cell that begins so would be taken for a list.
        text = (tmp_path / f"{name}.csv").read_text(encoding="utf-8")
        assert not {"[", "]", "(", "{"} & set(text)
    paths = [str(tmp_path / f"{name}.csv") for name in designs]
    done = subprocess.run(
        [sys.executable, "-c", CODE, *paths], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    for path, (name, design) in zip(paths, designs.items(), strict=True):
        assert found[path]["rows"] == len(table_of(name, 3))
        assert sorted(found[path]["fields"]) == sorted(names(table_columns(design.task)))
        assert found[path]["odd"] == []
        assert found[path]["last"]["design"] == name
