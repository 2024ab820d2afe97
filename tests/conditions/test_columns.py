from conditions.columns import LOG_COLUMNS, TABLE_COLUMNS, TABLES, names


def test_every_column_is_described_and_named_once():
    for columns in TABLES.values():
        assert len(set(names(columns))) == len(columns)
        for column in columns:
            assert column.description.endswith(".")
            assert column.type in {"str", "int", "float", "bool"}


def test_quantities_carry_their_unit_in_the_name():
    for columns in TABLES.values():
        for column in columns:
            if column.unit:
                assert column.name.endswith(f"_{column.unit}")


def test_the_log_holds_the_whole_condition_row():
    assert set(names(TABLE_COLUMNS)) < set(names(LOG_COLUMNS))


def test_no_column_takes_a_name_that_breaks_a_compiled_builder_script():
    reserved = {"data", "win", "trial", "trials", "event", "core", "gui", "visual", "logging", "np"}
    reserved |= {"os", "sys", "expInfo", "thisExp", "frameN", "t", "routineTimer", "globalClock"}
    assert not reserved & set(names(TABLE_COLUMNS))
