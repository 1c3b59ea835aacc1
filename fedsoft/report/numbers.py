"""Numbers as a person reads them: a real minus sign, and words where there is no number."""

import math
from typing import Protocol

NOT_ENOUGH = "not enough data"


def plain(value: float, places: int = 3) -> str:
    """A number with a real minus sign and no negative zero; NaN in words, infinity as ∞."""
    if math.isnan(value):
        return NOT_ENOUGH
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.{places}f}".replace("-", "−")
    return text.removeprefix("−") if not text.strip("−0.") else text


def signed(value: float, places: int = 3) -> str:
    """A number that always shows its sign, unless it rounds to zero."""
    text = plain(value, places)
    return f"+{text}" if text[0].isdigit() and text.strip("0.") else text


LARGEST = {"brier": 2.0, "accuracy": 1.0, "signed_gap": 1.0}
"""What two levels of a metric can differ by at most, signed gaps in size; others have no bound."""


def within_reach(smallest: float, metric: str) -> bool:
    """Whether the smallest difference that a study could have seen is one that there can be."""
    return not smallest > LARGEST.get(metric, math.inf)


def interval(low: float, high: float, places: int = 3) -> str:
    """The two ends of an interval."""
    if math.isnan(low) or math.isnan(high):
        return NOT_ENOUGH
    return f"{plain(low, places)} to {plain(high, places)}"


def reach(low: float, high: float, places: int = 3) -> str:
    """Half the width of a symmetric interval; nothing where there is none."""
    return "" if math.isnan(low) or math.isnan(high) else f"±{plain((high - low) / 2, places)}"


def places_for(half_width: float) -> int:
    """Decimals that show an interval's half-width with at least one meaningful digit: three, or four."""
    return 4 if half_width < 0.003 else 3


class Interval(Protocol):
    """An estimate with the ends of its interval."""

    @property
    def estimate(self) -> float:
        """The estimate."""

    @property
    def low(self) -> float:
        """The lower end."""

    @property
    def high(self) -> float:
        """The upper end."""


def figure(row: Interval) -> str:
    """An estimate with its interval, as they stand in a sentence."""
    places = places_for((row.high - row.low) / 2)
    return f"{signed(row.estimate, places)} [{interval(row.low, row.high, places)}]"


def amount(value: float) -> str:
    """A count with thousands separators."""
    return NOT_ENOUGH if math.isnan(value) else f"{value:,.0f}"


def size(count: float) -> str:
    """Bytes in the unit that suits them."""
    if math.isnan(count):
        return NOT_ENOUGH
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def duration(seconds: float) -> str:
    """A span of time in the two units that suit it."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
