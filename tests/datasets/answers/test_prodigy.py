OPTIONS = [{"id": "cat", "text": "A cat"}, {"id": "dog", "text": "A dog"}]


def choice(accept, who="db-ann", answer="accept", **more):
    own = {"_input_hash": 11, "_task_hash": 12, "_session_id": who, "_view_id": "choice", "config": {}}
    return {"text": "t", "options": OPTIONS, "accept": accept, "answer": answer, **own, **more}


def test_choices(answers, rows):
    a = answers(
        [
            choice(["cat"]),
            choice(["cat", "dog"], "db-bob"),
            choice([], "db-cem", "ignore"),
            choice(["dog"], "db-dan", "reject"),
            choice(["dog"], None, _annotator_id="eve"),
        ],
        "out.jsonl",
    )
    assert rows(a) == [
        ("t", "db-ann", "cat", 1.0),
        ("t", "db-bob", "cat", 0.5),
        ("t", "db-bob", "dog", 0.5),
        ("t", "eve", "dog", 1.0),
    ]
    told = " ".join(a.told)
    assert "export of Prodigy" in told
    assert "1 answer left out: ignored by the annotator" in told
    assert "1 answer left out: rejected" in told


def test_options_with_numbers_go_by_their_texts(answers):
    numbered = [{"id": 1, "text": "cat"}, {"id": 2, "text": "dog"}]
    assert answers([choice([2], options=numbered)], "out.jsonl").class_names == ("dog",)


def test_items_are_files_before_texts_and_hashes(answers):
    drawn = {"image": "data:image/png;base64,AAAA", "text": None}
    cases = [
        ({"meta": {"file": "m.png"}, "image": "i.png"}, "m.png"),
        ({"image": "i.png", "path": "p.png"}, "i.png"),
        ({**drawn, "path": "p.png"}, "p.png"),
        ({}, "t"),
        (drawn, "11"),
        ({**drawn, "meta": {"file": "m.png"}}, "m.png"),
    ]
    found = [answers([choice(["cat"], **more)], "out.jsonl").items for more, _ in cases]
    assert found == [(item,) for _, item in cases]


def binary(label, answer, who="ann"):
    return {"text": "t", "label": label, "answer": answer, "_session_id": who, "_input_hash": 1}


def test_one_label_accepted_or_rejected(answers, rows):
    a = answers(
        [binary("cat", "accept"), binary("cat", "reject", "bob"), binary("cat", "ignore", "cem")], "o.jsonl"
    )
    assert rows(a) == [("t", "ann", "cat"), ("t", "bob", "not cat")]
    assert "rejected 'cat' is read as 'not cat'" in " ".join(a.told)


def test_of_several_labels_what_is_rejected_says_little(answers, rows):
    a = answers(
        [binary("cat", "accept"), binary("dog", "reject", "bob"), binary("dog", "accept", "cem")], "o.jsonl"
    )
    assert rows(a) == [("t", "ann", "cat"), ("t", "cem", "dog")]
    assert "1 answer left out: rejected, which does not say what it is" in " ".join(a.told)


def test_spans_are_counted_and_left_out(answers):
    spans = {
        "text": "t",
        "spans": [{"start": 0, "end": 1, "label": "PER"}],
        "answer": "accept",
        "_input_hash": 1,
    }
    a = answers([spans, binary("cat", "accept")], "o.jsonl")
    assert "1 answer left out: spans" in " ".join(a.told)
