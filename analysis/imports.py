"""Bring external logs into our format: nothing is dropped in silence, what is odd is flagged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.mapping import Mapping
from conditions.columns import Column, names
from conditions.csv_files import write_csv
from conditions.errors import BadInput, nearest
from conditions.records import COMPLETED, RATINGS, SESSION, TRIALS

_BLANKS = {"str": "unknown", "int": "0", "float": "0", "bool": "False"}
_TRUE, _FALSE = {"true", "1", "1.0", "yes"}, {"false", "0", "0.0", "no"}


@dataclass(frozen=True)
class Imported:
    """What an import brought.

    Parameters
    ----------
    out
        Folder that was written.
    n_rows, n_participants
        Rows and participants written.
    left_out
        Rows that the mapping's ``keep`` leaves out.
    flags
        Flag to the number of rows that have it.
    """

    out: Path
    n_rows: int
    n_participants: int
    left_out: int
    flags: dict[str, int]


def import_logs(files: Sequence[Path], mapping: Mapping, out: Path) -> Imported:
    """Write external logs as ours, one session per participant.

    Parameters
    ----------
    files
        CSV files that belong together.
    mapping
        What their columns mean.
    out
        Folder for the imported study; must not be there.

    Raises
    ------
    BadInput
        If a file cannot be read, a column is missing, or a cell cannot stand in our columns at
        all, naming file and line; nothing is written then.
    """
    if out.exists():
        raise BadInput(f"{out}: is there already; imported logs overwrite nothing")
    if not files:
        raise BadInput("no file to import")
    cells = pd.concat([_read(path, mapping) for path in files], ignore_index=True)
    kept = pd.Series(True, index=cells.index)
    for name, values in mapping.keep.items():
        kept &= cells[name].str.strip().isin(values)
    left_out = int((~kept).sum())
    cells = cells[kept].reset_index(drop=True)
    if cells.empty:
        raise BadInput(f"{files[0]}: no row is one of those that the mapping keeps")
    frame, flags = _convert(cells, mapping)
    partial = out.with_name(f".{out.name}.partial")
    if partial.exists():
        raise BadInput(f"{partial}: a broken-off import lies there; remove it")
    for participant, rows in frame.groupby("participant", sort=True):
        _write(partial, str(participant), rows, mapping, files)
    partial.rename(out)
    numbers = flags[flags != ""].str.split(";").explode().value_counts()
    counted = {str(flag): int(number) for flag, number in numbers.sort_index().items()}
    return Imported(out, len(frame), frame["participant"].nunique(), left_out, counted)


def _read(path: Path, mapping: Mapping) -> pd.DataFrame:
    try:
        cells = pd.read_csv(path, dtype="string", keep_default_na=False, encoding="utf-8-sig")
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise BadInput(f"{path}: cannot be read as CSV ({' '.join(str(error).split())})") from None
    missing = sorted(mapping.sources() - set(cells.columns))
    if missing:
        hint = nearest(missing[0], cells.columns)
        raise BadInput(
            f"{path}: column {missing[0]!r} is missing{hint}; the mapping {mapping.name!r} needs it"
        )
    return cells.assign(
        import_file=pd.Series(path.name, index=cells.index, dtype="string"),
        import_line=np.arange(2, len(cells) + 2),
    )


def _convert(cells: pd.DataFrame, mapping: Mapping) -> tuple[pd.DataFrame, pd.Series]:
    """Return our frame, every cell of its column's type, and each row's flags."""
    flags = pd.Series("", index=cells.index, dtype="string")
    ours = {column.name: column for column in mapping.ours()}
    text = _identity(cells, mapping)
    text |= {name: rule.apply(cells) for name, rule in mapping.columns.items()}
    columns: dict[str, pd.Series] = {}
    for name, column in ours.items():
        if name.startswith("import_"):
            columns[name] = cells.get(name, flags)
        elif name in text:
            columns[name], flags = _typed(text[name], column, cells, flags)
        else:
            columns[name] = _says_nothing(column, cells.index)
    frame = pd.DataFrame(columns)
    if mapping.record == "trials":
        _number_trials(frame, cells, mapping)
        flags = _flag_trials(frame, flags, mapping)
    else:
        frame["rating_number"] = frame.groupby(["participant", "moment"]).cumcount() + 1
        flags = _add(flags, frame["rating"].abs() > 100, "rating_out_of_range")
        flags = _add(flags, frame["rt_s"] < 0, "negative_rt")
    frame["import_flags"] = flags.mask(flags == "")
    return frame, flags


def _identity(cells: pd.DataFrame, mapping: Mapping) -> dict[str, pd.Series]:
    keys = cells[list(mapping.participant)].apply(lambda column: column.str.strip())
    joined = keys.agg("|".join, axis=1) if len(keys.columns) > 1 else keys.iloc[:, 0]
    codes = pd.factorize(joined)[0] + 1
    width = max(3, len(str(codes.max())))
    ids = pd.Series([f"p{code:0{width}d}" for code in codes], index=cells.index, dtype="string")
    found = {"participant": ids, "session": _same("1", cells), "run": _same("1", cells)}
    if mapping.record == "ratings":
        return found
    found |= {
        "design": _same(mapping.design, cells),
        "task": _same(mapping.task, cells),
        "network": _same("unknown", cells),
        "layer": _same("unknown", cells),
        "participant_number": pd.Series(codes.astype(str), index=cells.index, dtype="string"),
        "response_source": _same("imported", cells),
        "photodiode": _same("off", cells),
    }
    if "observer_kind" not in mapping.columns:
        found["observer_kind"] = _same(mapping.observer_kind, cells)
    if mapping.observer_column:
        names_of = cells[mapping.observer_column].str.strip()
        rule = mapping.columns.get("observer_kind")
        kinds = rule.apply(cells) if rule else found["observer_kind"]
        found["observer"] = names_of.mask(kinds == "person")
    return found


def _same(value: str, cells: pd.DataFrame) -> pd.Series:
    return pd.Series(value, index=cells.index, dtype="string")


def _says_nothing(column: Column, index: pd.Index) -> pd.Series:
    if column.blank:
        return pd.Series(pd.NA, index=index, dtype=_dtype(column))
    value = str(column.levels[0]) if column.levels else _BLANKS[column.type]
    return _parsed(pd.Series(value, index=index, dtype="string"), column)


def _dtype(column: Column) -> str:
    return {"str": "string", "int": "Int64", "float": "Float64", "bool": "boolean"}[column.type]


def _parsed(text: pd.Series, column: Column) -> pd.Series:
    """Return values of a column's type, missing where a cell cannot be one."""
    if column.type == "str":
        return text
    if column.type == "bool":
        low = text.str.lower()
        known = pd.Series(pd.NA, index=text.index, dtype="boolean")
        return known.mask(low.isin(_TRUE), True).mask(low.isin(_FALSE), False)
    numbers = pd.to_numeric(text, errors="coerce").astype("Float64")
    if column.type == "int":
        whole = numbers.mask((numbers % 1 != 0).fillna(True))
        return whole.astype("Int64")
    return numbers


def _typed(
    text: pd.Series, column: Column, cells: pd.DataFrame, flags: pd.Series
) -> tuple[pd.Series, pd.Series]:
    values = _parsed(text, column)
    if column.levels:
        values = values.mask(~values.isin(list(column.levels)).fillna(False))
    odd = values.isna() & text.notna()
    flags = _add(flags, odd, f"unknown_{column.name}")
    if not column.blank and values.isna().any():
        if column.levels or column.name in ("correct_choice", "participant"):
            place = int(np.flatnonzero(values.isna())[0])
            raise BadInput(
                f"{cells['import_file'][place]}, line {cells['import_line'][place]}: column "
                f"{column.name!r} would be {text.fillna('blank')[place]!r}, expected "
                f"{' or '.join(map(str, column.levels)) or 'a value'}; let the mapping say which"
            )
        values = values.fillna(_says_nothing(column, values.index))
    return values, flags


def _number_trials(frame: pd.DataFrame, cells: pd.DataFrame, mapping: Mapping) -> None:
    """Number each participant's trials in the order of the file, and find what repeats repeat."""
    groups = frame.groupby("participant")
    frame["trial_number"] = (groups.cumcount() + 1).astype("Int64")
    frame["trial_in_block"] = (
        frame.groupby(["participant", "block_number"]).cumcount() + 1
    ).astype("Int64")
    if mapping.task == "occlusion":
        gap = (frame["activation_a"] - frame["activation_b"]).abs() / frame["base_activation"]
        frame["relative_activation_difference"] = gap
    if mapping.repeats:
        own = zip(frame["participant"], *(cells[name] for name in mapping.trial_key), strict=True)
        first: dict[tuple[str, ...], int] = {}
        is_repeat = frame["trial_role"] == "repeat"
        for key, number, repeated in zip(own, frame["trial_number"], is_repeat, strict=True):
            if not repeated:
                first.setdefault(_plain_key(key), int(number))
        old = zip(frame["participant"], *(cells[name] for name in mapping.repeats), strict=True)
        found = [first.get(_plain_key(key)) for key in old]
        frame["repeated_trial"] = pd.Series(found, index=frame.index, dtype="Int64").mask(
            ~is_repeat
        )


def _plain_key(key: tuple[str, ...]) -> tuple[str, ...]:
    # The same number is 7 in one column and 7.0 in another that has blanks.
    return tuple(part.strip().removesuffix(".0") for part in key)


def _flag_trials(frame: pd.DataFrame, flags: pd.Series, mapping: Mapping) -> pd.Series:
    flags = _add(flags, frame["rt_s"] < 0, "negative_rt")
    flags = _add(flags, frame["rt_s"] > mapping.long_rt_s, "long_rt")
    flags = _add(flags, frame["choice"].isna() & frame["rt_s"].notna(), "no_choice")
    flags = _add(flags, frame["choice"].notna() & frame["rt_s"].isna(), "no_rt")
    right = (frame["choice"] == frame["correct_choice"]).mask(frame["choice"].isna())
    if "correct" in mapping.columns:
        flags = _add(flags, (right != frame["correct"]).fillna(False), "contradicts_choice")
    else:
        frame["correct"] = right.astype("boolean")
    return flags


def _add(flags: pd.Series, where: pd.Series, flag: str) -> pd.Series:
    there = where.fillna(False).astype(bool)
    return flags.mask(there & (flags != ""), flags + ";" + flag).mask(there & (flags == ""), flag)


def _write(
    folder: Path, participant: str, rows: pd.DataFrame, mapping: Mapping, files: Sequence[Path]
) -> None:
    session = folder / f"sub-{participant}" / "ses-01"
    session.mkdir(parents=True)
    columns = mapping.ours()
    file = session / (RATINGS if mapping.record == "ratings" else TRIALS)
    write_csv(rows[names(columns)], file, columns)
    facts = {
        "design": mapping.design,
        "participant": participant,
        "session": 1,
        "observer_kind": mapping.observer_kind,
        "end_reason": COMPLETED,
        "trials": len(rows) if mapping.record == "trials" else 0,
        "trials_completed": len(rows) if mapping.record == "trials" else 0,
        "imported": {
            "mapping": mapping.name,
            "title": mapping.title,
            "source": mapping.source,
            "note": mapping.note,
            "files": [path.name for path in files],
        },
        "runs": [],
    }
    text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    (session / SESSION).write_text(text, encoding="utf-8")
