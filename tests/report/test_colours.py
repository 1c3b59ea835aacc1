from fedsoft.report.colours import GREY, INK, STRONG, colours_of


def test_the_pair_stands_out_wherever_it_stands() -> None:
    found = colours_of(["teacher", "hard", "mass_only", "human_soft"], "human_soft", "hard")
    assert found == {"teacher": GREY, "hard": INK, "mass_only": GREY, "human_soft": STRONG}


def test_any_source_may_be_the_baseline() -> None:
    assert colours_of(["hard", "teacher"], "hard", "teacher") == {"hard": STRONG, "teacher": INK}


def test_a_study_of_one_source_has_a_baseline_only() -> None:
    assert colours_of(["hard"], "hard", "hard") == {"hard": INK}


def luminance(colour: str) -> float:
    """Relative luminance of sRGB (WCAG 2.1)."""
    channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_what_is_written_in_colour_can_be_read() -> None:
    """WCAG 2.1 asks for a contrast of 4.5 between small text and its ground, here white."""
    for colour in (INK, STRONG, GREY):
        assert 1.05 / (luminance(colour) + 0.05) >= 4.5
