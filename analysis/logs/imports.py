"""Convert external logs to our format: nothing is dropped silently, unusual rows are flagged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.logs.mapping import Mapping
from analysis.logs.ratings import outside
from unitscope.cells import read_content
from unitscope.columns import COLUMNS_VERSION, VERSION_COLUMN, Column, names
from unitscope.errors import BadInput, nearest
from unitscope.records import COMPLETED, RATINGS, SESSION, TRIALS
from unitscope.tables import lines_of, read_cells, with_decimal_points, write_csv

_BLANKS = {"str": "unknown", "int": "0", "float": "0", "bool": "False"}
_TRUE, _FALSE = {"true", "1", "1.0", "yes"}, {"false", "0", "0.0", "no"}


@dataclass(frozen=True)
class Imported:
    """Result of an import.

    Parameters
    ----------
    out
        Folder that was written.
    n_rows, n_participants
        Rows and participants written.
    skipped
        Rows that the mapping's ``keep`` skips.
    flags
        Flag to the number of rows that have it.
    """

    out: Path
    n_rows: int
    n_participants: int
    skipped: int
    flags: dict[str, int]


def import_logs(files: Sequence[Path], mapping: Mapping | Sequence[Mapping], out: Path) -> Imported:
    """Write external logs as ours, one session per participant.

    Parameters
    ----------
    files
        CSV files that belong together.
    mapping
        What their columns mean. Of several mappings, such as one for trials and one for ratings,
        each file gets the one whose columns it has.
    out
        Folder for the imported study; must not be there.

    Raises
    ------
    BadInput
        If a file cannot be read, a column is missing, or a cell has no place in our columns at
        all, naming file and line; nothing is written then.
    """
    if out.exists():
        raise BadInput(
            f"{out}: exists already; imported logs overwrite nothing. Trials and ratings of the "
            "same participants are imported together, with --mapping for each"
        )
    if not files:
        raise BadInput("no file to import")
    cells_of = _cells_by_mapping(files, [mapping] if isinstance(mapping, Mapping) else mapping)
    skipped = sum(len(cells) for cells in cells_of.values())
    cells_of = {of: _kept(cells, of) for of, cells in cells_of.items()}
    skipped -= sum(len(cells) for cells in cells_of.values())
    frames, flags = {}, []
    for of, ids in _participants(cells_of).items():
        frames[of], of_rows = _convert(cells_of[of], of, ids)
        flags.append(of_rows)
    partial = out.with_name(f".{out.name}.partial")
    if partial.exists():
        raise BadInput(f"{partial}: a broken-off import lies there; remove it")
    found = sorted({str(name) for frame in frames.values() for name in frame["participant"]})
    for participant in found:
        own = {of: frame[frame["participant"] == participant] for of, frame in frames.items()}
        _write(partial, participant, {of: rows for of, rows in own.items() if len(rows)})
    partial.rename(out)
    numbers = pd.concat(flags).replace("", pd.NA).dropna().str.split(";").explode().value_counts()
    counted = {str(flag): int(number) for flag, number in numbers.sort_index().items()}
    return Imported(out, sum(map(len, frames.values())), len(found), skipped, counted)


def _cells_by_mapping(
    files: Sequence[Path], mappings: Sequence[Mapping]
) -> dict[Mapping, pd.DataFrame]:
    """Return the cells of the files of each mapping, trials before ratings."""
    of_mapping: dict[int, list[pd.DataFrame]] = {place: [] for place in range(len(mappings))}
    for path in files:
        cells = _read(path)
        fitting = [p for p, one in enumerate(mappings) if one.sources() <= set(cells.columns)]
        if len(mappings) == 1:
            _check_columns(path, cells, mappings[0])
        elif len(fitting) != 1:
            named = ", ".join(mappings[p].name for p in fitting)
            found = f"those of {named}" if named else "those of none"
            raise BadInput(
                f"{path}: expected the columns of one of the mappings "
                f"{', '.join(one.name for one in mappings)}, found {found}"
            )
        of_mapping[fitting[0]].append(cells)
    for place, found_cells in of_mapping.items():
        if not found_cells:
            raise BadInput(f"no file has the columns of the mapping {mappings[place].name!r}")
    if sum(one.record == "trials" for one in mappings) > 1:
        raise BadInput("expected one mapping of trials, the others of ratings")
    order = sorted(of_mapping, key=lambda place: mappings[place].record != "trials")
    return {mappings[p]: pd.concat(of_mapping[p], ignore_index=True) for p in order}


def _kept(cells: pd.DataFrame, mapping: Mapping) -> pd.DataFrame:
    """Return the rows that a mapping keeps."""
    kept = pd.Series(True, index=cells.index)
    for name, values in mapping.keep.items():
        kept &= cells[name].str.strip().isin(values)
    if not kept.any():
        raise BadInput(
            f"{cells['import_file'].iloc[0] if len(cells) else mapping.name}: no row is one of "
            "those that the mapping keeps"
        )
    return cells[kept].reset_index(drop=True)


def _read(path: Path) -> pd.DataFrame:
    read = read_cells(read_content(path), path)
    cells = with_decimal_points(read).astype("string")
    cells.attrs.clear()  # Rows of several files are put together, each with its line.
    return cells.assign(
        import_file=pd.Series(path.name, index=cells.index, dtype="string"),
        import_line=lines_of(read),
    )


def _check_columns(path: Path, cells: pd.DataFrame, mapping: Mapping) -> None:
    missing = sorted(mapping.sources() - set(cells.columns))
    if missing:
        hint = nearest(missing[0], cells.columns)
        raise BadInput(
            f"{path}: column {missing[0]!r} is missing{hint}; the mapping {mapping.name!r} needs it"
        )


def _convert(
    cells: pd.DataFrame, mapping: Mapping, participants: pd.Series
) -> tuple[pd.DataFrame, pd.Series]:
    """Return our frame, every cell of its column's type, and each row's flags."""
    flags = pd.Series("", index=cells.index, dtype="string")
    ours = {column.name: column for column in mapping.ours()}
    text = _identity(cells, mapping, participants)
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
        flags = _flag_ratings(frame, flags, mapping)
    for name, rule in mapping.columns.items():
        if rule.expected:
            unknown = ~cells[str(rule.column)].str.strip().isin(rule.expected)
            flags = _add(flags, unknown, f"unknown_{name}")
    frame["import_flags"] = flags.mask(flags == "")
    return frame, flags


def _participants(cells_of: dict[Mapping, pd.DataFrame]) -> dict[Mapping, pd.Series]:
    """Return each row's participant: the same one has the same name in trials and ratings."""
    studies = {of: _study(cells, of) for of, cells in cells_of.items()}
    known = pd.concat(list(studies.values()))
    several = known[known != ""].nunique() > 1
    keys = {
        of: (studies[of] + "|" if several else "") + _key(cells, of)
        for of, cells in cells_of.items()
    }
    first, *others = keys
    for of in others:
        if not set(keys[first]) & set(keys[of]):
            raise BadInput(
                f"{cells_of[of]['import_file'].iloc[0]}: none of its participants "
                f"({keys[of].iloc[0]!r} for one) is in {cells_of[first]['import_file'].iloc[0]}"
            )
    codes = pd.factorize(pd.concat(list(keys.values())))[0] + 1
    width = max(3, len(str(codes.max())))
    names_of = np.array([f"p{code:0{width}d}" for code in codes], dtype=object)
    ends = np.cumsum([len(own) for own in keys.values()])
    return {
        of: pd.Series(part, index=keys[of].index, dtype="string")
        for of, part in zip(keys, np.split(names_of, ends[:-1]), strict=True)
    }


def _study(cells: pd.DataFrame, mapping: Mapping) -> pd.Series:
    """Return what a file's name says of the study; blank where it says nothing."""
    if mapping.studies is None:
        return _same("", cells)
    return cells["import_file"].str.extract(mapping.studies, expand=False).fillna("")


def _key(cells: pd.DataFrame, mapping: Mapping) -> pd.Series:
    keys = cells[list(mapping.participant)].apply(lambda column: column.str.strip())
    for name in mapping.participant:
        if (keys[name] == "").any():
            place = int(np.flatnonzero(keys[name] == "")[0])
            raise BadInput(
                f"{cells['import_file'][place]}, line {cells['import_line'][place]}: column "
                f"{name!r} is blank, expected whose row it is"
            )
        # The same number is 7 in one file and 7.0 in another that a program wrote.
        keys[name] = keys[name].str.replace(r"^(\d+)\.0$", r"\1", regex=True)
    return keys.agg("|".join, axis=1) if len(keys.columns) > 1 else keys.iloc[:, 0]


def _identity(cells: pd.DataFrame, mapping: Mapping, ids: pd.Series) -> dict[str, pd.Series]:
    found = {"participant": ids, "session": _same("1", cells), "run": _same("1", cells)}
    if mapping.record == "ratings":
        return found
    found |= {
        "design": _same(mapping.design, cells),
        "task": _same(mapping.task, cells),
        "network": _same("unknown", cells),
        "layer": _same("unknown", cells),
        "participant_number": ids.str.slice(1).astype(int).astype("string"),
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
    unknown = values.isna() & text.notna()
    flags = _add(flags, unknown, f"unknown_{column.name}")
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
    matches = (frame["choice"] == frame["correct_choice"]).mask(frame["choice"].isna())
    if "correct" in mapping.columns:
        flags = _add(flags, (matches != frame["correct"]).fillna(False), "contradicts_choice")
    else:
        frame["correct"] = matches.astype("boolean")
    return flags


def _flag_ratings(frame: pd.DataFrame, flags: pd.Series, mapping: Mapping) -> pd.Series:
    own = ["participant", "moment"]
    if "rating_number" not in mapping.columns:
        frame["rating_number"] = frame.groupby(own).cumcount() + 1
    flags = _add(flags, outside(frame), "rating_out_of_range")
    flags = _add(flags, frame["rt_s"] < 0, "negative_rt")
    flags = _add(flags, frame["rt_s"] > mapping.long_rt_s, "long_rt")
    nothing = frame["rating"].isna() & ~flags.str.contains("unknown_rating", regex=False)
    flags = _add(flags, nothing, "no_rating")
    again = frame.duplicated([*own, "image"]) & frame["image"].notna()
    return _add(flags, again, "rated_again")


def _add(flags: pd.Series, where: pd.Series, flag: str) -> pd.Series:
    there = where.fillna(False).astype(bool)
    return flags.mask(there & (flags != ""), flags + ";" + flag).mask(there & (flags == ""), flag)


def _write(folder: Path, participant: str, rows_of: dict[Mapping, pd.DataFrame]) -> None:
    """Write a participant's session: trials, ratings of one or more mappings, or both."""
    session = folder / f"sub-{participant}" / "ses-01"
    session.mkdir(parents=True)
    for record, name in (("trials", TRIALS), ("ratings", RATINGS)):
        own = {of: rows for of, rows in rows_of.items() if of.record == record}
        if own:
            columns = next(iter(own)).ours()
            write_csv(pd.concat(list(own.values()))[names(columns)], session / name, columns)
    number = sum(len(rows) for of, rows in rows_of.items() if of.record == "trials")
    first = next(iter(rows_of))
    facts = {
        VERSION_COLUMN.name: COLUMNS_VERSION,
        "design": first.design,
        "participant": participant,
        "session": 1,
        "observer_kind": first.observer_kind,
        "end_reason": COMPLETED,
        "trials": number,
        "trials_completed": number,
        "imported": [
            {
                "mapping": of.name,
                "title": of.title,
                "source": of.source,
                "note": of.note,
                "files": sorted(rows["import_file"].unique()),
            }
            for of, rows in rows_of.items()
        ],
        "runs": [],
    }
    text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    (session / SESSION).write_text(text, encoding="utf-8")
