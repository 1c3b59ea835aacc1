import pytest

from fedsoft.errors import DataError


def record(item, responses, **more):
    return {
        "id": f"id-{item}",
        "fields": {"image": f"https://x.org/{item}.png"},
        "metadata": {},
        "suggestions": {"label": {"value": "cow", "score": None, "agent": None}},
        "responses": responses,
        "vectors": {},
        "status": "completed",
        "_server_id": "s",
    } | more


def response(value, user, status="submitted"):
    return {"value": value, "user_id": user, "status": status}


def test_nested_records(answers, rows):
    a = answers(
        [
            record("a", {"label": [response("cat", "u1"), response("dog", "u2")]}),
            record("b", {"label": [response("dog", "u1"), response("cat", "u2", "discarded")]}),
            record("c", {"label": [response("dog", "u1", "draft"), {"value": "cat", "user_id": "u2"}]}),
            record("d", {}),
        ],
        "records.json",
    )
    assert rows(a) == [
        ("https://x.org/a.png", "u1", "cat"),
        ("https://x.org/a.png", "u2", "dog"),
        ("https://x.org/b.png", "u1", "dog"),
        ("https://x.org/c.png", "u2", "cat"),
    ]
    told = " ".join(a.told)
    assert "export of Argilla" in told
    assert "1 answer left out: discarded by the annotator" in told
    assert "1 answer left out: draft by the annotator" in told


def test_flattened_records(answers, rows):
    flat = {
        "id": "7",
        "image": "data:image/png;base64,AA",
        "file": "a.png",
        "label.responses": ["cat", "dog", "dog"],
        "label.responses.users": ["u1", "u2", "u3"],
        "label.responses.status": ["submitted", "submitted", "draft"],
        "label.suggestion": "cat",
    }
    assert rows(answers([flat], "records.json")) == [("a.png", "u1", "cat"), ("a.png", "u2", "dog")]


def test_several_labels_and_several_questions(answers, rows):
    both = record("a", {"label": [response(["cat", "dog"], "u")], "note": [response("nice", "u")]})
    with pytest.raises(DataError, match="several questions, 'label', 'note'"):
        answers([both], "r.json")
    assert rows(answers([both], "r.json", field="label")) == [
        ("https://x.org/a.png", "u", "cat", 0.5),
        ("https://x.org/a.png", "u", "dog", 0.5),
    ]


def test_rankings_are_counted_and_left_out(answers):
    ranking = response([{"value": "cat", "rank": 1}, {"value": "dog", "rank": 2}], "u1")
    a = answers([record("a", {"label": [ranking, response("cat", "u2")]})], "r.json")
    assert a.annotators == ("u2",)
    assert "1 answer left out: rankings or spans" in " ".join(a.told)


def test_feedback_records(answers, rows):
    values = {"values": {"label": {"value": "cat"}}, "user_id": "u1", "status": "submitted"}
    nested = {
        "fields": {"text": "hi"},
        "responses": [values, values | {"status": "discarded"}],
        "external_id": None,
    }
    assert rows(answers([nested], "r.json")) == [("hi", "u1", "cat")]
    on_hub = {
        "text": "hi",
        "label": [response("cat", "u1"), response("dog", "u2")],
        "label-suggestion": "cat",
    }
    assert rows(answers([on_hub], "r.jsonl")) == [("hi", "u1", "cat"), ("hi", "u2", "dog")]


def test_records_of_version_1(answers, rows):
    def old(text, annotation, status="Validated", who="ann"):
        return {
            "inputs": {"text": text},
            "prediction": [{"label": "cow", "score": 0.5}],
            "annotation": annotation,
            "annotation_agent": who,
            "status": status,
            "id": "1",
            "metadata": {},
        }

    a = answers(
        [
            old("x", "cat"),
            old("y", ["cat", "dog"]),
            old("z", None, "Default", None),
            old("w", "cat", "Discarded"),
            old("v", "dog", "Default"),
        ],
        "r.jsonl",
    )
    assert rows(a) == [
        ("v", "ann", "dog", 1.0),
        ("x", "ann", "cat", 1.0),
        ("y", "ann", "cat", 0.5),
        ("y", "ann", "dog", 0.5),
    ]
    assert "1 answer left out: discarded" in " ".join(a.told)
