"""Lowest values that settings may have."""


def at_least(low: float, **values: float) -> None:
    """Refuse values below ``low``, given by the settings' names.

    Raises
    ------
    ValueError
        With the name, the value and the bound.
    """
    for name, value in values.items():
        if value < low:
            raise ValueError(f"{name} is {value}, expected at least {low:g}")
