import pytest

from fedsoft.errors import DataError

URL = "/data/upload/3/1a2b3c4d-{}.png"


def result(value, name="choice", kind="choices", **more):
    return {"id": "x", "from_name": name, "to_name": "image", "type": kind, "value": {kind: value} | more}


def annotation(who, *results, **more):
    return {
        "id": 7,
        "completed_by": who,
        "result": list(results),
        "was_cancelled": False,
        "lead_time": 1.5,
    } | more


def task(name, *annotations, **more):
    return {
        "id": 1,
        "data": {"image": URL.format(name)},
        "annotations": list(annotations),
        "predictions": [],
        "file_upload": f"1a2b3c4d-{name}.png",
    } | more


def test_tasks_with_choices(answers, rows):
    a = answers(
        [
            task(
                "a",
                annotation(1, result(["cat"])),
                annotation({"id": 2, "email": "bob@x.org"}, result(["dog"])),
            ),
            task("b", annotation(1, result(["dog"])), annotation(2, was_cancelled=True)),
            task("c"),
        ],
        "export.json",
    )
    assert rows(a) == [
        (URL.format("a"), "1", "cat"),
        (URL.format("a"), "bob@x.org", "dog"),
        (URL.format("b"), "1", "dog"),
    ]
    assert (a.place, a.numbers.tolist()) == ("entry", [1, 1, 2])
    assert "read as an export of Label Studio" in a.told[0]
    assert "1 answer left out: skipped by the annotator" in " ".join(a.told)


def test_several_choices_are_shares(answers, rows):
    a = answers([task("a", annotation(1, result(["cat", "dog"])), annotation(2, result(["cat"])))], "e.json")
    name = URL.format("a")
    assert rows(a) == [(name, "1", "cat", 0.5), (name, "1", "dog", 0.5), (name, "2", "cat", 1.0)]


def test_one_person_twice_in_one_task(answers):
    a = answers([task("a", annotation(1, result(["cat", "dog"])), annotation(1, result(["cow"])))], "e.json")
    assert a.repeated.tolist() == [[0, 0, 0, 1]]
    assert [a.class_names[c] for c in a.label] == ["cow"]


def test_one_of_several_questions_is_named(answers, rows):
    tasks = [
        task(
            "a", annotation(1, result(["cat"]), result(["sharp"], "quality")), annotation(2, result(["dog"]))
        )
    ]
    with pytest.raises(DataError, match="several questions, 'choice', 'quality'; name one, as field = "):
        answers(tasks, "e.json")
    assert rows(answers(tasks, "e.json", field="quality")) == [(URL.format("a"), "1", "sharp")]
    with pytest.raises(DataError, match="no answers to 'size', as `field` says; it has 'choice'"):
        answers(tasks, "e.json", field="size")


def test_ratings_and_taxonomies(answers):
    a = answers([task("a", annotation(1, result(4, "stars", "rating")))], "e.json")
    assert a.class_names == ("4",)
    a = answers([task("a", annotation(1, result([["Animal", "Cat"]], "kind", "taxonomy")))], "e.json")
    assert a.class_names == ("Animal / Cat",)


def test_regions_are_counted_and_left_out(answers):
    box = {"from_name": "box", "type": "rectanglelabels", "value": {"x": 1, "rectanglelabels": ["cat"]}}
    a = answers([task("a", annotation(1, result(["cat"]), box, result(["big"], "size", x=1, y=2)))], "e.json")
    assert a.class_names == ("cat",)
    assert "1 answer left out: rectanglelabels, which sorts no whole item" in " ".join(a.told)
    assert "1 answer left out: choices, which sorts no whole item" in " ".join(a.told)


def test_texts_pictures_in_the_file_and_named_keys(answers):
    a = answers([task("t", annotation(1, result(["cat"])), data={"text": "a b"}, file_upload=None)], "e.json")
    assert a.items == ("a b",)
    drawn = task("p", annotation(1, result(["cat"])), data={"image": "data:image/png;base64,AAAA"})
    assert answers([drawn], "e.json").items == ("1a2b3c4d-p.png",)
    keyed = task("k", annotation(1, result(["cat"])), data={"image": URL.format("k"), "key": "k7"})
    assert answers([keyed], "e.json", columns={"item": "key"}).items == ("k7",)
    with pytest.raises(DataError, match=r"an entry without 'nope'.*'image', 'key'"):
        answers([keyed], "e.json", columns={"item": "nope"})


def test_old_completions_and_predictions(answers):
    old = {"id": 1, "data": {"image": "a.png"}, "completions": [annotation(3, result(["cat"]))]}
    assert answers([old], "e.json").annotators == ("3",)
    told = " ".join(answers([task("a", annotation(1, result(["cat"])), predictions=[{}, {}])], "e.json").told)
    assert "2 answers left out: predictions of a model" in told


def test_json_min(answers, rows):
    def row(name, choice, who, **more):
        own = {
            "id": 5,
            "annotation_id": 9,
            "annotator": who,
            "lead_time": 2.0,
            "created_at": "",
            "updated_at": "",
        }
        return {"image": URL.format(name), "choice": choice, **own, **more}

    a = answers([row("a", "cat", 1), row("a", {"choices": ["cat", "dog"]}, 2)], "min.json")
    name = URL.format("a")
    assert rows(a) == [(name, "1", "cat", 1.0), (name, "2", "cat", 0.5), (name, "2", "dog", 0.5)]
    with pytest.raises(DataError, match="several questions, 'choice', 'rating'"):
        answers([row("a", "cat", 1, rating=3)], "min.json")
    assert answers([row("a", "cat", 1, rating=3)], "min.json", field="rating").class_names == ("3",)


@pytest.mark.parametrize("question", ["choice", "sentiment", "animal"])
def test_csv(question, answers, rows):
    header = f"annotation_id,annotator,{question},created_at,id,image,lead_time,updated_at"
    pair = '"{""choices"":[""cat"",""dog""]}"'
    a = answers(
        f"{header}\n1,ann@x.org,cat,2024,5,{URL.format('a')},1.2,2024\n2,2,{pair},2024,5,{URL.format('a')},1.2,2024\n"
    )
    name = URL.format("a")
    assert rows(a) == [(name, "2", "cat", 0.5), (name, "2", "dog", 0.5), (name, "ann@x.org", "cat", 1.0)]
    assert (a.place, a.numbers.tolist()) == ("line", [2, 3, 3])


def test_the_question_of_a_csv_is_what_holds_choices(answers):
    pair = '"{""choices"":[""cat"",""dog""]}"'
    row = "ann,{},blue,5,a.png\n"
    header = "annotation_id,annotator,animal,batch,id,image\n"
    a = answers(header + "1," + row.format("cat") + "2," + row.format(pair))
    assert a.class_names == ("cat", "dog")
    with pytest.raises(DataError, match="several questions, 'animal', 'batch'"):
        answers(header + "1," + row.format("cat"))


def test_an_export_without_answers_says_so(answers):
    with pytest.raises(DataError, match="holds no answer"):
        answers([task("a"), task("b")], "e.json")


def test_other_columns_than_the_item_are_not_mapped_in_exports(answers):
    with pytest.raises(DataError, match="export of Label Studio, whose questions `field` names"):
        answers([task("a", annotation(1, result(["cat"])))], "e.json", columns={"label": "choice"})
