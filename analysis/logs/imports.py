"""Convert external logs to our format: nothing is dropped silently, unusual rows are flagged."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.logs.log_checks import TIMED_KINDS
from analysis.logs.mapping import Mapping, extracted, fitting, plain
from analysis.logs.ratings import outside
from unitscope.cells import natural_order, read_content
from unitscope.columns import COLUMNS_VERSION, VERSION_COLUMN, Column
from unitscope.disk import FILE_MODE, make_folder, whole_folder, write_file
from unitscope.errors import BadInput, nearest
from unitscope.queries import QUERY_PAIR
from unitscope.records import COMPLETED, RATINGS, SESSION, TRIALS
from unitscope.tables import csv_text, lines_of, read_cells, with_decimal_points

_BLANKS = {"str": "unknown", "int": "0", "float": "0", "bool": "False"}
_TRUTH = Column("truth", "bool", "Whether something holds.", blank=True)
_TRUE, _FALSE = {"true", "1", "1.0", "yes"}, {"false", "0", "0.0", "no"}


@dataclass(frozen=True)
class Imported:
    """Result of an import.

    Parameters
    ----------
    out
        Folder that was written.
    n_rows, n_participants, n_sessions
        Rows, participants and their sessions that were written, baselines left out.
    skipped
        Rows that the mapping's ``keep`` and ``filled`` skip.
    flags
        Flag to the number of main trials and ratings that have it.
    other_flags
        Flag to the number of practice, catch and repeated trials that have it.
    """

    out: Path
    n_rows: int
    n_participants: int
    n_sessions: int
    skipped: int
    flags: dict[str, int]
    other_flags: dict[str, int]


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
    frames = {}
    for of, ids in _participants(cells_of).items():
        frames[of] = _convert(cells_of[of], of, ids, _sessions(cells_of[of], of, ids))
    written = frames | _with_baselines(cells_of, frames)
    sessions: dict[str, dict[Mapping, pd.DataFrame]] = {}
    for of, frame in written.items():
        for place, rows in frame.groupby(_places(frame)):
            sessions.setdefault(str(place), {})[of] = rows
    with whole_folder(out, private=True) as folder:
        for place, rows_of in sorted(sessions.items()):
            _write(folder / place, rows_of)
    rows = pd.concat([frame[["participant", "session"]] for frame in frames.values()])
    main, others = _counted_flags(frames.values())
    numbers = (len(rows), rows["participant"].nunique(), len(rows.drop_duplicates()))
    return Imported(out, *numbers, skipped, main, others)


def _counted_flags(frames: Iterable[pd.DataFrame]) -> tuple[dict[str, int], dict[str, int]]:
    """Return how many rows have which flag: main trials and ratings, and other trials."""
    found: tuple[list[pd.Series], list[pd.Series]] = ([], [])
    for frame in frames:
        is_main = frame.get("trial_role", _same("main", frame)) == "main"
        found[0].append(frame["import_flags"][is_main])
        found[1].append(frame["import_flags"][~is_main])
    return _number_of_each(found[0]), _number_of_each(found[1])


def _number_of_each(flags: list[pd.Series]) -> dict[str, int]:
    numbers = pd.concat(flags).dropna().str.split(";").explode().value_counts()
    return {str(flag): int(number) for flag, number in numbers.sort_index().items()}


def _places(frame: pd.DataFrame) -> pd.Series:
    """Return the folder of each row's session."""
    number = frame["session"].map(lambda session: f"ses-{session:02d}")
    return "sub-" + frame["participant"] + "/" + number


def _cells_by_mapping(
    files: Sequence[Path], mappings: Sequence[Mapping]
) -> dict[Mapping, pd.DataFrame]:
    """Return the cells of the files of each mapping, trials before ratings."""
    of_mapping: dict[int, list[pd.DataFrame]] = {place: [] for place in range(len(mappings))}
    for path in files:
        cells = _read(path)
        fitted = [p for p, one in enumerate(mappings) if one.needed() <= _spelt(cells, one)]
        if len(mappings) == 1:
            _check_columns(path, cells, mappings[0])
        elif len(fitted) != 1:
            named = ", ".join(mappings[p].name for p in fitted)
            found = f"those of {named}" if named else "those of none"
            raise BadInput(
                f"{path}: expected the columns of one of the mappings "
                f"{', '.join(one.name for one in mappings)}, found {found}"
            )
        of_mapping[fitted[0]].append(_prepared(cells, mappings[fitted[0]]))
    for place, found_cells in of_mapping.items():
        if not found_cells:
            raise BadInput(f"no file has the columns of the mapping {mappings[place].name!r}")
    if sum(one.record == "trials" for one in mappings) > 1:
        raise BadInput("expected one mapping of trials, the others of ratings")
    order = sorted(of_mapping, key=lambda place: mappings[place].record != "trials")
    return {mappings[p]: pd.concat(of_mapping[p], ignore_index=True) for p in order}


def _spelt(cells: pd.DataFrame, mapping: Mapping) -> set[str]:
    """Return the columns of a file as the mapping spells them."""
    return set(cells.rename(columns=mapping.named(cells.columns)).columns)


def _prepared(cells: pd.DataFrame, mapping: Mapping) -> pd.DataFrame:
    """Return cells with every column that the mapping reads, blank where nothing is known."""
    named = cells.rename(columns=mapping.named(cells.columns))
    there = named.assign(**{name: "" for name in mapping.optional if name not in named})
    if mapping.missing:
        there = there.mask(there.isin(mapping.missing), "")
    return there.astype({name: "string" for name in there if name != "import_line"})


def _kept(cells: pd.DataFrame, mapping: Mapping) -> pd.DataFrame:
    """Return the rows that a mapping keeps."""
    kept = fitting(cells, mapping.keep)
    if mapping.filled:
        kept &= (cells[list(mapping.filled)].apply(plain) != "").any(axis=1)
    if not kept.any():
        where = cells["import_file"].iloc[0] if len(cells) else mapping.name
        filled = f", which have {' or '.join(mapping.filled)}" if mapping.filled else ""
        raise BadInput(f"{where}: no row is one of those that the mapping keeps{filled}")
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
    missing = sorted(mapping.needed() - _spelt(cells, mapping))
    if missing:
        hint = nearest(missing[0], cells.columns)
        raise BadInput(
            f"{path}: column {missing[0]!r} is missing{hint}; the mapping {mapping.name!r} needs it"
        )


def _convert(
    cells: pd.DataFrame, mapping: Mapping, participants: pd.Series, sessions: pd.Series
) -> pd.DataFrame:
    """Return our frame, every cell of its column's type, and the flags of each row."""
    flags = pd.Series("", index=cells.index, dtype="string")
    ours = {column.name: column for column in mapping.ours()}
    text = _identity(cells, mapping, participants)
    text |= {name: rule.apply(cells) for name, rule in mapping.columns.items()}
    text["session"] = sessions
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
            unknown = ~plain(cells[str(rule.column)]).isin(rule.expected)
            flags = _add(flags, unknown, f"unknown_{name}")
    frame["import_flags"] = flags.mask(flags == "")
    if mapping.excluded is not None:
        frame["excluded_by_study"] = _parsed(mapping.excluded.apply(cells), _TRUTH)
    return frame


def _sessions(cells: pd.DataFrame, mapping: Mapping, participants: pd.Series) -> pd.Series:
    """Return the number of each row's session, from 1 for each participant."""
    if not mapping.session:
        return _same("1", cells)
    keys = [plain(cells[name]).fillna("") for name in mapping.session]
    rows = list(zip(participants, *keys, strict=True))
    number: dict[tuple[str, ...], int] = {}
    per_participant: dict[str, int] = {}
    for row in sorted(set(rows), key=lambda row: [natural_order(cell) for cell in row]):
        per_participant[row[0]] = number[row] = per_participant.get(row[0], 0) + 1
    return pd.Series([str(number[row]) for row in rows], index=cells.index, dtype="string")


def _with_baselines(
    cells_of: dict[Mapping, pd.DataFrame], frames: dict[Mapping, pd.DataFrame]
) -> dict[Mapping, pd.DataFrame]:
    """Return the trials of a log with those of its baselines, one session each."""
    found = {}
    for of, frame in frames.items():
        parts = [frame]
        pairs = frame[frame["trial_role"] == "main"] if of.record == "trials" else frame[:0]
        number = int(frame["participant_number"].max()) if of.baselines else 0
        for name, rule in of.baselines.items():
            correct = _parsed(rule.apply(cells_of[of]), _TRUTH)
            own = pairs.assign(correct=correct).dropna(subset=["correct"])
            own = own.drop_duplicates([*QUERY_PAIR, "branch"])
            if len(own):
                number += 1
                parts.append(_as_baseline(own, name, number))
        found[of] = pd.concat(parts, ignore_index=True)
    return found


def _as_baseline(pairs: pd.DataFrame, name: str, number: int) -> pd.DataFrame:
    """Return trials in which a baseline answers some query pairs, correctly or not."""
    other = pairs["correct_choice"].map({"a": "b", "b": "a"}).astype("string")
    own = pairs.assign(
        choice=pairs["correct_choice"].where(pairs["correct"], other),
        participant=f"p{number:03d}",
        participant_number=number,
        session=1,
        observer_kind="baseline",
        observer=name,
        trial_number=range(1, len(pairs) + 1),
        trial_in_block=range(1, len(pairs) + 1),
    )
    for column in ("rt_s", "confidence", "group", "import_flags", "excluded_by_study"):
        if column in own:
            own[column] = pd.Series(pd.NA, index=own.index, dtype=own[column].dtype)
    return own.astype({column: pairs[column].dtype for column in pairs if column in own})


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
    return extracted(cells["import_file"], mapping.studies).fillna("")


def _key(cells: pd.DataFrame, mapping: Mapping) -> pd.Series:
    keys = cells[list(mapping.participant)].apply(plain)
    for name in sorted(set(mapping.participant) - set(mapping.optional)):
        if (keys[name] == "").any():
            place = int(np.flatnonzero(keys[name] == "")[0])
            raise BadInput(
                f"{cells['import_file'][place]}, line {cells['import_line'][place]}: column "
                f"{name!r} is blank, expected whose row it is"
            )
    return keys.agg("|".join, axis=1) if len(keys.columns) > 1 else keys.iloc[:, 0]


def _identity(cells: pd.DataFrame, mapping: Mapping, ids: pd.Series) -> dict[str, pd.Series]:
    found = {"participant": ids, "run": _same("1", cells)}
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
    of = ["participant", "session"]
    frame["trial_number"] = (frame.groupby(of).cumcount() + 1).astype("Int64")
    frame["trial_in_block"] = (
        frame.groupby([*of, "block_number"], dropna=False).cumcount() + 1
    ).astype("Int64")
    if mapping.task == "occlusion":
        gap = (frame["activation_a"] - frame["activation_b"]).abs() / frame["base_activation"]
        frame["relative_activation_difference"] = gap
    if mapping.repeats:
        session = [frame["participant"], frame["session"]]
        own = zip(*session, *(plain(cells[name]) for name in mapping.trial_key), strict=True)
        first: dict[tuple[object, ...], int] = {}
        is_repeat = frame["trial_role"] == "repeat"
        for key, number, repeated in zip(own, frame["trial_number"], is_repeat, strict=True):
            if not repeated:
                first.setdefault(key, int(number))
        old = zip(*session, *(plain(cells[name]) for name in mapping.repeats), strict=True)
        found = [first.get(key) for key in old]
        frame["repeated_trial"] = pd.Series(found, index=frame.index, dtype="Int64").mask(
            ~is_repeat
        )


def _flag_trials(frame: pd.DataFrame, flags: pd.Series, mapping: Mapping) -> pd.Series:
    flags = _add(flags, frame["rt_s"] < 0, "negative_rt")
    flags = _add(flags, frame["rt_s"] > mapping.long_rt_s, "long_rt")
    flags = _add(flags, frame["choice"].isna() & frame["rt_s"].notna(), "no_choice")
    has_time = frame["observer_kind"].isin(TIMED_KINDS)
    flags = _add(flags, has_time & frame["choice"].notna() & frame["rt_s"].isna(), "no_rt")
    matches = (frame["choice"] == frame["correct_choice"]).mask(frame["choice"].isna())
    if "correct" not in mapping.columns:
        frame["correct"] = matches.astype("boolean")
    elif "choice" in mapping.columns:
        # Programs often store a trial without a response as a wrong one.
        unknown = flags.str.contains("unknown_choice", regex=False)
        frame["correct"] = frame["correct"].mask(frame["choice"].isna() & ~unknown)
        flags = _add(flags, (matches != frame["correct"]).fillna(False), "contradicts_choice")
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


def _write(session: Path, rows_of: dict[Mapping, pd.DataFrame]) -> None:
    """Write a session: trials, ratings of one or more mappings, or both."""
    make_folder(session)
    for record, name in (("trials", TRIALS), ("ratings", RATINGS)):
        own = {of: rows for of, rows in rows_of.items() if of.record == record}
        if own:
            text = csv_text(pd.concat(list(own.values())), next(iter(own)).ours())
            write_file(session / name, text, FILE_MODE, sync=False)
    trials = [rows for of, rows in rows_of.items() if of.record == "trials"]
    number = sum(map(len, trials))
    (of, first), *_ = rows_of.items()
    facts = {
        VERSION_COLUMN.name: COLUMNS_VERSION,
        "design": of.design,
        "participant": str(first["participant"].iloc[0]),
        "session": int(first["session"].iloc[0]),
        "observer_kind": str(trials[0]["observer_kind"].iloc[0]) if trials else of.observer_kind,
        "end_reason": COMPLETED,
        "trials": number,
        "trials_completed": number,
        "imported": [
            {
                "mapping": one.name,
                "title": one.title,
                "source": one.source,
                "note": one.note,
                "files": sorted(rows["import_file"].unique()),
            }
            for one, rows in rows_of.items()
        ],
        "runs": [],
    }
    said = [rows["excluded_by_study"].dropna() for rows in trials if "excluded_by_study" in rows]
    if any(map(len, said)):
        facts["excluded_by_study"] = any(bool(one.any()) for one in said)
    text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    write_file(session / SESSION, text, FILE_MODE, sync=False)
