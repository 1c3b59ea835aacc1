from fedsoft.report.colours import INK, PALETTE, colours_of


def test_hard_is_ink_wherever_it_stands() -> None:
    assert colours_of(["teacher", "hard"]) == {"teacher": PALETTE[0], "hard": INK}


def test_every_source_has_its_own_colour() -> None:
    sources = ["hard", *(f"source {n}" for n in range(30))]
    assert len(set(colours_of(sources).values())) == len(sources)
