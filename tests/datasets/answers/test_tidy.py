import time

import numpy as np
import pytest

from fedsoft.datasets.answers.typos import likely_typos
from fedsoft.errors import DataError

HEAD = "item,annotator,label\n"
MANY = "".join(f"p{i},w{i % 3},{('cat', 'dog')[i % 2]}\n" for i in range(20))


def test_names_become_numbers(answers):
    a = answers(f"{HEAD}b,zoe,dog\na,ann,cat\nb,ann,cat\n")
    assert (a.items, a.annotators, a.class_names) == (("b", "a"), ("ann", "zoe"), ("cat", "dog"))
    np.testing.assert_array_equal(a.item, [0, 1, 0])
    np.testing.assert_array_equal(a.annotator, [1, 0, 0])
    np.testing.assert_array_equal(a.label, [1, 0, 0])
    np.testing.assert_array_equal(a.numbers, [2, 3, 4])
    assert a.weight is None
    assert a.repeated.shape == (0, 4)
    assert a.told == ()


def test_whole_numbers_are_in_the_order_of_numbers(answers):
    assert answers(f"{HEAD}a,w,10\nb,v,2\nc,w,-1\n").class_names == ("-1", "2", "10")
    assert answers(f"{HEAD}a,w,10\nb,v,2x\n").class_names == ("10", "2x")


def test_whole_numbers_may_have_decimals(answers):
    a = answers(f"{HEAD}a,w,1.0\nb,v,2\nc,v,\n", known=("1", "2"))
    assert a.class_names == ("1", "2")
    assert "such as '1.0', read as '1', in 1 row" in " ".join(a.told)
    assert answers(f"{HEAD}a,w,1.0\nb,v,1.5\n").class_names == ("1.0", "1.5")


def test_a_number_with_and_without_decimals_is_one_class_beside_words_and_fractions(answers):
    a = answers(f"{HEAD}a,w,1.0\nb,v,1\nc,v,other\nd,w,2.0\n")
    assert a.class_names == ("1", "2", "other")
    assert "one answer, such as '1.0', read as '1', in 2 rows" in " ".join(a.told)
    assert answers(f"{HEAD}a,w,1.0\nb,v,1\nc,v,1.5\nd,w,2.0\n").class_names == ("1", "1.5", "2.0")


def test_numbers_are_spelt_as_the_user_or_the_data_spell_them(answers):
    text = f"{HEAD}a,w,1.0\nb,v,1\nc,v,2\nd,w,9\nd,v,9.0\n"
    assert answers(text, classes=("2.0", "1.0", "9")).class_names == ("2.0", "1.0", "9")
    assert answers(text, known=("1.0",), no_answer=("9.0",)).class_names == ("1.0", "2")


def test_a_number_with_and_without_decimals_is_one_item_and_one_person(answers, rows):
    a = answers(f"{HEAD}1,7,cat\n1.0,8.0,dog\n2.0,7.0,cat\n")
    assert rows(a) == [("1", "7", "cat"), ("1", "8", "dog"), ("2", "7", "cat")]
    told = " ".join(a.told)
    assert "one item, such as '1.0', read as '1', in 2 rows" in told
    assert "one annotator, such as '8.0', read as '8', in 2 rows" in told
    a = answers(f"{HEAD}1,7,cat\n1.0,7.0,dog\nx,ann,cat\n")
    assert (a.items, a.annotators) == (("1", "1.0", "x"), ("7", "7.0", "ann"))
    assert not any("decimals" in sentence for sentence in a.told)


@pytest.mark.parametrize("odd", ["9" * 5000, "+-2"])
def test_what_is_no_number_is_a_name(odd, answers):
    assert answers(f"{HEAD}a,w,{odd}\nb,v,10\n").class_names == tuple(sorted((odd, "10")))


def test_slips_are_looked_for_among_few_names():
    counts = {"zebra": 9000, "zebr": 1} | {str(number): 1 for number in range(498)}
    assert likely_typos(counts) == [("zebr", "zebra")]
    assert likely_typos(counts | {"x": 1}) == []


@pytest.mark.parametrize("mark", ["\u00ad", "\u2060", "\u200b", "\u200c", "\u200d", "\ufeff", "\u202a"])
def test_invisible_marks_are_no_part_of_a_name_and_told(mark, answers, rows):
    a = answers(f"{HEAD}a,ann,c{mark}at\na{mark},an{mark}n,dog\nb,bob,cat{mark}\n", repeated="all")
    assert rows(a) == [("a", "ann", "cat"), ("a", "ann", "dog"), ("b", "bob", "cat")]
    told = " ".join(a.told)
    for words in ("item left out in 1 row.", "answer left out in 2 rows", "annotator left out in 1 row."):
        assert f"invisible marks in the {words}" in told
    assert "spaces" not in told


def test_joiners_that_one_sees_stay(answers):
    family, persian = "\U0001f468\u200d\U0001f469", "\u0645\u06cc\u200c\u062e"
    assert answers(f"{HEAD}a,w,{family}\nb,v,{persian}\n").class_names == (persian, family)


def test_people_that_differ_in_case_spaces_or_alphabet_are_told_and_stay_two(answers):
    a = answers(f"{HEAD}a,Ann,cat\na,ann,dog\nb,Bo Li,cat\nb,BoLi,dog\nc,\u0430nn,cat\nc,Cy,cat\n")
    assert len(a.annotators) == 6
    told = [sentence for sentence in a.told if "look-alike" in sentence]
    assert len(told) == 1
    assert "3 pairs of people" in told[0]
    assert "'Ann' and 'ann'" in told[0]
    a = answers(f"{HEAD}a,Ann,cat\na,bob,dog\n")
    assert not any("look-alike" in sentence for sentence in a.told)


def test_classes_that_look_alike_in_another_alphabet_are_told(answers):
    a = answers(f"{HEAD}{MANY}p0,w7,c\u0430t\n")
    assert len(a.class_names) == 3
    told = [sentence for sentence in a.told if "another script" in sentence]
    assert len(told) == 1
    assert "(1 answer, line 22 (p0))" in told[0]
    assert "slip for 'cat'" in told[0]
    cyrillic = answers(f"{HEAD}a,w,\u043a\u043e\u0442\nb,v,\u0441\u043e\u043c\n")
    assert not any("script" in sentence for sentence in cyrillic.told)


def test_spaces_are_trimmed_and_counted(answers, rows):
    a = answers(f"{HEAD}a ,ann,cat\na,bob\xa0,cat \nb,ann,dog\n")
    assert rows(a) == [("a", "ann", "cat"), ("a", "bob", "cat"), ("b", "ann", "dog")]
    assert len(a.told) == 3
    assert all("1 row." in sentence for sentence in a.told)


def test_byte_strings_are_read_as_text(answers):
    a = answers(f'{HEAD}a,w,b\'cat\'\nb,v,"b""dog"""\nc,w,cat\n')
    assert a.class_names == ("cat", "dog")
    assert "2 answers in byte strings, such as b'cat'" in a.told[0]


def test_spellings_of_one_path_are_one_item(answers):
    a = answers(f"{HEAD}./x/a.png,w,cat\nx/a.png,v,cat\nx\\a.png,u,dog\nu\u0308,w,cat\n\u00fc,v,cat\n")
    assert a.items == ("./x/a.png", "\u00fc")
    assert "2 items spelt in several ways" in " ".join(a.told)


@pytest.mark.parametrize("blank", ["", "nan", "NaN", "NA", "null", "None", " "])
def test_blank_answers_are_none(blank, answers):
    a = answers(f"{HEAD}a,w,cat\na,v,{blank}\nb,v,dog\nc,,\n")
    assert a.class_names == ("cat", "dog")
    assert a.items == ("a", "b", "c")
    assert len(a.label) == 2
    assert "2 rows without an answer" in " ".join(a.told)


def test_what_is_said_to_be_a_class_is_one(answers):
    np.testing.assert_array_equal(answers(f"{HEAD}a,w,NA\nb,v,EU\n", classes=("NA", "EU")).label, [0, 1])
    assert answers(f"{HEAD}a,w,none\nb,v,other\n").class_names == ("none", "other")


@pytest.mark.parametrize(
    "evasion",
    [
        *("dont know", "Don't know", "unsure", "Skip", "idk", "?", "n/a", "NOT SURE", "I do not know"),
        *("do not know", "cannot tell", "can't say", "I can\u2019t tell", "dont_know", "Don't know."),
    ],
)
def test_evasions_are_asked_about(evasion, answers):
    text = f'{HEAD}{MANY}p0,w7,"{evasion}"\np3,w7,"{evasion}"\n'
    with pytest.raises(DataError, match="look like none") as error:
        answers(text)
    assert f'no_answer = ["{evasion}"]' in str(error.value)
    assert "line 22 (p0)" in str(error.value)
    assert "2 times" in str(error.value)
    a = answers(text, no_answer=(evasion,))
    assert a.class_names == ("cat", "dog")
    assert len(a.label) == 20
    assert a.annotators == ("w0", "w1", "w2")
    assert f"2 answers left out as no class ({evasion!r} 2)" in " ".join(a.told)
    assert len(answers(text, classes=("cat", "dog", evasion)).class_names) == 3


def test_no_answer_ignores_case_and_says_what_nobody_answered(answers):
    a = answers(f"{HEAD}a,w,cat\nb,v,Dont Know\nc,w,dog\n", no_answer=("dont know", "pass"))
    assert len(a.label) == 2
    assert "nobody answered 'pass'" in " ".join(a.told)
    with pytest.raises(DataError, match="'cat' is in `classes` and in `no_answer`"):
        answers(f"{HEAD}a,w,cat\n", classes=("cat", "dog"), no_answer=("cat",))
    with pytest.raises(DataError, match="no answer that is a class"):
        answers(f"{HEAD}a,w,pass\n", no_answer=("pass",))


def test_case_and_spaces_are_asked_about(answers):
    text = f'{HEAD}{MANY}p0,w7," Cat"\np4,w7,CAT\n'
    with pytest.raises(DataError, match="several ways") as error:
        answers(text)
    for words in ("'Cat' in line 22 (p0) for 'cat'", "'CAT' in line 23 (p4)", "fold_case = true"):
        assert words in str(error.value)
    a = answers(text, fold_case=True)
    assert a.class_names == ("cat", "dog")
    assert "2 answers folded ('Cat' is 'cat', 'CAT' is 'cat')" in " ".join(a.told)
    assert answers(text, classes=("cat", "dog", "Cat", "CAT")).class_names == ("cat", "dog", "Cat", "CAT")


def test_at_most_five_are_named(answers):
    odd = "".join(
        f"p{i},v,{name}\n" for i, name in enumerate(["Cat", "CAT", "cAt", "caT", "CAt", "cAT", "CaT"])
    )
    with pytest.raises(DataError, match="and 2 more; correct"):
        answers(f"{HEAD}{MANY}{odd}")


def test_classes_of_the_data_are_not_asked_about(answers):
    text = f"{HEAD}{MANY}p0,w7,skip\np1,w7,Cat\np2,w7,catt\n"
    a = answers(text, known=("Cat", "cat", "skip", "catt"))
    assert a.class_names == ("Cat", "cat", "skip", "catt", "dog")
    assert not any("slip" in sentence for sentence in a.told)


def test_folding_takes_the_most_frequent_spelling(answers):
    text = f"{HEAD}a,w,hotdog\nb,v,Hot Dog\nc,w,Hot Dog\nd,w,cat\n"
    assert answers(text, fold_case=True).class_names == ("cat", "hot dog")


def test_folding_keeps_the_spelling_that_is_said_or_known(answers):
    text = f"{HEAD}a,w,cat\nb,v,CAT\nc,w,hot dog\nd,w,Hot  Dog\n"
    assert answers(text, fold_case=True).class_names == ("cat", "hot dog")
    assert answers(text, fold_case=True, known=("Cat",)).class_names == ("Cat", "hot dog")
    assert answers(text, fold_case=True, classes=("HotDog", "CAT")).class_names == ("HotDog", "CAT")


def test_answers_beside_the_classes_said_are_refused_with_the_nearest(answers):
    text = f"{HEAD}{MANY}p5,w7,catt\np6,w7,xyz\np7,w7,Dog\n"
    with pytest.raises(DataError) as error:
        answers(text, classes=("dog", "cat"))
    for words in ("'catt' in line 22 (p5), nearest class 'cat'", "'xyz' in line 23 (p6),", "fold_case"):
        assert words in str(error.value)


def test_classes_have_the_order_said_and_nobody_need_answer_them(answers):
    a = answers(f"{HEAD}a,w,cat\nb,v,dog\n", classes=("ship", "dog", "cat"))
    assert a.class_names == ("ship", "dog", "cat")
    np.testing.assert_array_equal(a.label, [2, 1])
    assert "nobody answered 'ship', and the class is kept" in " ".join(a.told)


def test_known_classes_come_first(answers):
    a = answers(f"{HEAD}a,w,ant\nb,v,dog\n", known=("dog", "cat"))
    assert a.class_names == ("dog", "cat", "ant")
    assert "'ant' is no class of the data yet" in " ".join(a.told)
    a = answers(f"{HEAD}a,w,ant\nb,v,dog\nb,w,bee\n", known=("dog", "cat"))
    assert "'ant', 'bee' are no classes of the data yet, and are added" in " ".join(a.told)
    with pytest.raises(DataError, match=r"leaves out 'cat'.*add it"):
        answers(f"{HEAD}a,w,dog\n", known=("dog", "cat"), classes=("dog", "bee"))
    with pytest.raises(DataError, match="'Dog' in line 2"):
        answers(f"{HEAD}a,w,Dog\n", known=("dog", "cat"))


@pytest.mark.parametrize(
    ("odd", "slip"),
    [("shipp", True), ("hsip", True), ("sheep", True), ("Zhip", True), ("shipyard", False), ("dgo", False)],
)
def test_rare_classes_near_common_ones_are_told_and_kept(odd, slip, answers):
    many = "".join(f"p{i},w,{('ship', 'dog')[i % 2]}\n" for i in range(20))
    a = answers(f"{HEAD}{many}p0,v,{odd}\n")
    assert odd in a.class_names
    slips = [sentence for sentence in a.told if "slip" in sentence]
    assert len(slips) == slip
    assert all("slip for 'ship'" in sentence and "line 22 (p0)" in sentence for sentence in slips)
    assert not any("slip" in sentence for sentence in answers(f"{HEAD}{many}p0,v,{odd}\n", known=(odd,)).told)


def test_numbers_in_names_are_no_slips(answers):
    many = "".join(f"p{i},w,class {i % 2}\n" for i in range(20))
    assert not any("slip" in sentence for sentence in answers(f"{HEAD}{many}p0,v,class 2\n").told)


def test_missing_people_and_items_are_named(answers):
    with pytest.raises(DataError, match=r"who answered in lines 3 \(b\), 4 \(c\); fill it in"):
        answers(f"{HEAD}a,w,cat\nb,,dog\nc,nan,dog\n")
    with pytest.raises(DataError, match="names no item in line 3"):
        answers(f"{HEAD}a,w,cat\n,v,dog\n")
    a = answers(f"{HEAD}a,,cat\nb,,dog\n")
    assert a.annotators is None
    assert "no row says who answered" in a.told[0]


def test_a_header_alone_is_no_answer(answers):
    with pytest.raises(DataError, match="holds no answer; add"):
        answers(HEAD)


def test_one_person_is_accepted_and_told(answers):
    a = answers(f"{HEAD}a,ann,cat\nb,ann,dog\n")
    assert a.annotators == ("ann",)
    assert "one person gave every answer" in a.told[0]


TWICE = f"{HEAD}a,ann,cat\nb,ann,dog\na,bob,dog\na,ann,dog\na,bob,dog\na,ann,cat\n"


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        ("last", [("a", "ann", "cat"), ("a", "bob", "dog"), ("b", "ann", "dog")]),
        ("first", [("a", "ann", "cat"), ("a", "bob", "dog"), ("b", "ann", "dog")]),
        ("all", None),
    ],
)
def test_the_same_person_twice(rule, left, answers, rows):
    a = answers(TWICE, repeated=rule)
    assert rows(a) == (left or sorted(tuple(line.split(",")) for line in TWICE.split("\n")[1:-1]))
    np.testing.assert_array_equal(a.numbers, {"last": [3, 6, 7], "first": [2, 3, 4]}.get(rule, range(2, 8)))
    np.testing.assert_array_equal(a.repeated, [[0, 0, 0, 1], [0, 1, 1, 1], [0, 0, 1, 0]])
    told = " ".join(a.told)
    assert "3 answers" in told
    assert "2 of them unlike" in told


def test_without_people_equal_rows_are_votes(answers):
    a = answers("item,label\na,cat\na,cat\nb,dog\n")
    np.testing.assert_array_equal(a.label, [0, 0, 1])
    assert a.repeated.shape == (0, 4)
    assert a.annotator is None


def test_a_class_that_is_nobodys_majority_is_kept_and_told(answers):
    votes = "a,u,cat\na,v,cat\na,w,truck\nb,u,dog\nb,v,bee\n"
    a = answers(f"{HEAD}{votes}")
    assert a.class_names == ("bee", "cat", "dog", "truck")
    assert a.told == (
        "annotations.csv: 'truck' is a class that no item got most often; `no_answer` leaves it out.",
    )
    a = answers(f"{HEAD}a,u,cat\na,v,cat\na,w,truck\na,x,cat\na,y,bus\n")
    assert "'bus', 'truck' are classes that no item got most often; `no_answer` leaves them out." in a.told[0]


def texts(count, repeats=1):
    return HEAD + "".join(
        f"p{i},w{r},text number {i} of somebody who wrote a sentence\n"
        for i in range(count)
        for r in range(repeats)
    )


def test_free_text_is_no_class(answers):
    with pytest.raises(
        DataError, match="the column 'label' holds 201 different texts in 1,000 rows"
    ) as error:
        answers(texts(201, 4) + "p1,w9,text number 1 of somebody who wrote a sentence\n" * 196)
    assert 'columns = { label = "\u2026" }' in str(error.value)
    assert "`classes`" in str(error.value)
    assert len(answers(texts(201, 5)).class_names) == 201
    assert len(answers(texts(200)).class_names) == 200
    named = tuple(f"text number {i} of somebody who wrote a sentence" for i in range(201))
    assert len(answers(texts(201), classes=named).class_names) == 201
    with pytest.raises(DataError, match="in 300 rows that name no class of the data"):
        answers(texts(300) + "p1,w9,cat\n" * 9000, known=("cat", "dog"))


def test_free_text_of_an_export_names_the_question(answers):
    tasks = [
        {
            "data": {"image": f"{i}.png"},
            "annotations": [
                {"completed_by": 1, "result": [{"from_name": "q", "value": {"choices": [f"it is {i}"]}}]}
            ],
        }
        for i in range(300)
    ]
    with pytest.raises(DataError, match=r"hold 300 different texts.*by `field`"):
        answers(tasks, "tasks.json")


def test_very_many_classes_are_read_at_once(answers):
    start = time.perf_counter()
    assert len(answers(texts(2000, 5)).class_names) == 2000
    names = tuple(f"class {i:04d}" for i in range(2000))
    with pytest.raises(DataError, match="and 1,995 more; correct"):
        answers(texts(2000), classes=names)
    assert time.perf_counter() - start < 5


def test_labels_and_answers_in_different_words_are_refused(answers):
    text = f"{HEAD}a,w,cat\nb,v,dog\n"
    with pytest.raises(DataError, match=r"labels: '0', '1'; answers: 'cat', 'dog'.*`class_names`"):
        answers(text, known=("0", "1"))
    assert answers(text, known=("dog", "1")).class_names == ("dog", "1", "cat")
    assert len(answers(text, known=("0", "1"), classes=("0", "1", "cat", "dog")).class_names) == 4
