import pytest

from fedsoft.errors import DataError

ONE = {"image": "a.png", "worker": "ann", "answer": "cat"}


@pytest.mark.parametrize("name", ["x.json", "x.jsonl"])
def test_objects_of_one_answer_each_are_a_table(name, answers, rows):
    a = answers([ONE, {"image": "b.png", "worker": 7, "answer": 3.0}], name)
    assert rows(a) == [("a.png", "ann", "cat"), ("b.png", "7", "3")]
    assert (a.place, a.numbers.tolist()) == (("entry", [1, 2]) if name == "x.json" else ("line", [1, 2]))
    assert "takes columns 'image' for the item, 'worker' for the annotator" in a.told[0]


def test_their_weights_and_columns(answers, rows):
    named = {"item": "image", "annotator": "worker", "label": "says", "weight": "sure"}
    entries = [
        {"image": "a", "worker": "w", "says": "cat", "sure": 3},
        {"image": "a", "worker": "w", "says": "dog", "sure": 1},
    ]
    assert rows(answers(entries, "x.json", columns=named)) == [
        ("a", "w", "cat", 0.75),
        ("a", "w", "dog", 0.25),
    ]
    with pytest.raises(DataError, match="a weight that is no number"):
        answers([{**ONE, "weight": "much"}], "x.json")


def test_a_list_within_an_object(raw):
    assert raw(
        '{"version": 1, "answers": [{"image": "a.png", "worker": "w", "answer": "cat"}]}', "x.json"
    ).items == ["a.png"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[]", "holds no entry"),
        ('[{"a": 1},\n{"b" 2}]', "no valid JSON in line 2"),
        ('{"a": 1}\n{"b" 2}\n', "no valid JSON in line 2"),
        ("[1, 2]", r"no object \(\{…\}\) in entry 1"),
        ('[{"foo": 1, "bar": 2}]', "no tool that is known; its entries hold 'foo', 'bar'"),
        ("{}", "entries hold nothing"),
        ('{"item": "a", "label": ' + "9" * 5000 + "}", "a number with too many digits.*quotes"),
        (
            '{"item": "a"}\n{"item": "a", "label": ' + "9" * 5000 + "}",
            "digits to be read, in or after line 2",
        ),
        ('{"a":' * 100000 + "\n[", "nested too deep|no valid JSON"),
        ("[" * 100000, "nested too deep|no valid JSON"),
    ],
)
def test_what_cannot_be_read_is_named(content, words, raw):
    with pytest.raises(DataError, match=words):
        raw(content, "x.json")


@pytest.mark.parametrize(
    "entry",
    [
        {"data": {"image": "a"}, "annotations": [{"result": [None, 3, {"value": 3}], "completed_by": 1}]},
        {"data": {"image": "a"}, "annotations": "none"},
        {"fields": {"text": "x"}, "responses": {"label": "cat", "note": [None]}},
        {"fields": {"text": "x"}, "responses": [3, {"values": 3}]},
        {"text": "x", "cats": {"a": "much"}},
        {"text": "x", "labels": {"a": {"b": 1}}},
        {"text": "x", "annotations": [3]},
        {"text": "x", "label": [[]]},
    ],
)
def test_damaged_entries_are_no_answers(entry, answers):
    with pytest.raises(DataError, match="no answer"):
        answers([entry], "x.json")
