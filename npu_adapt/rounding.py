"""The one rule by which a number becomes text, for every kind of figure that tables, logs and reports show.

Whoever writes a number into a sentence (a verdict's reason, a match's basis) uses these too, so that no value ever
appears as two texts. Plain functions of plain numbers, beside the errors at the bottom of the house.
"""

from __future__ import annotations

BINARY_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def error(value: float) -> str:
    """An absolute or relative error: four significant digits, always scientific, so that rows compare at a glance."""
    return "0" if value == 0 else f"{value:.3e}"


def significant(value: float, digits: int = 4) -> str:
    """`digits` significant digits, written out; all digits of a larger integer part; scientific below 0.0001."""
    if value == 0:
        return "0"
    if abs(value) < 1e-4 or abs(value) >= 1e15:
        return f"{value:.{digits - 1}e}"
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])  # after rounding: 9.9996 counts as 10.00
    return f"{value:.{max(0, digits - 1 - exponent)}f}"


def milliseconds(value: float) -> str:
    """Wall or device time, without its unit."""
    return significant(value)


def ratio(value: float) -> str:
    """A speed-up, an error in noise floors, a share of a limit."""
    return significant(value)


def cosine(value: float) -> str:
    """Eight decimals, and as many more as it takes not to call something 1 or -1 that is not."""
    for decimals in range(8, 18):
        text = f"{value:.{decimals}f}"
        if abs(value) == 1 or abs(float(text)) != 1:
            return text
    return f"{value!r}"


def tensor_value(value: float) -> str:
    """One element of a tensor: nine digits tell any two float32 values apart."""
    return f"{value:.9g}"


def count(value: int) -> str:
    """How many, with thousands separated."""
    return f"{value:,}"


def scaled(value: float) -> str:
    """A large quantity with a decimal prefix, four significant digits: 89.10 G."""
    number = value
    for prefix in ("", " k", " M", " G", " T"):
        if abs(number) < 1000:
            return significant(number) + prefix
        number /= 1000
    return f"{significant(number)} P"


def size(value: int) -> str:
    """A number of bytes in binary units, four significant digits."""
    number = float(value)
    for unit in BINARY_UNITS[:-1]:
        if abs(number) < 1024:
            return f"{value} B" if unit == "B" else f"{significant(number)} {unit}"
        number /= 1024
    return f"{significant(number)} {BINARY_UNITS[-1]}"
