import codecs
import zipfile

import numpy as np
import pytest

from fedsoft.datasets.answers import AnswerOptions, read_answers
from fedsoft.errors import DataError

PLAIN = "item,annotator,label\na.png,ann,cat\na.png,bob,dog\nb.png,ann,cat\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_delimiters_line_ends_and_encodings_are_recognised(delimiter, end, encoding, raw):
    text = "item,annotator,label\na.png,Jörg,cat\nb.png,ann,dog\n"
    found = raw(text.replace(",", delimiter).replace("\n", end), written_in=encoding)
    assert (found.items, found.annotators, found.classes) == (
        ["a.png", "b.png"],
        ["Jörg", "ann"],
        ["cat", "dog"],
    )
    assert found.numbers.tolist() == [2, 3]
    assert found.place == "line"
    told = " ".join(found.told)
    assert ("`delimiter`" in told) == (delimiter != ",")
    assert ("`encoding`" in told) == (not encoding.startswith("utf-8"))


def test_utf16_by_its_mark_of_either_order(raw):
    for mark, encoding in ((codecs.BOM_UTF16_BE, "utf-16-be"), (codecs.BOM_UTF16_LE, "utf-16-le")):
        assert raw(mark + PLAIN.encode(encoding)).classes == ["cat", "dog", "cat"]


def test_a_plain_table_has_nothing_to_tell(raw):
    assert raw(PLAIN).told == ()


@pytest.mark.parametrize(
    "header",
    [
        "question,worker,answer",
        "Image File,Worker-ID, Class Name ",
        "ITEM,Annotator,LABEL",
        "Input.image_url,WorkerId,Answer.category.label",
        "INPUT:image,ASSIGNMENT:worker_id,OUTPUT:result",
        "task,user,choice",
        "document,coder,category",
        "filename,rater,response",
    ],
)
def test_usual_columns_are_recognised_and_told(header, raw):
    found = raw(f"{header}\na.png,ann,cat\n")
    assert (found.items, found.annotators, found.classes) == (["a.png"], ["ann"], ["cat"])
    assert ("`columns`" in " ".join(found.told)) == (header.lower() != "item,annotator,label")


def test_the_more_certain_of_two_columns_is_taken_and_the_other_told(raw):
    found = raw("id,image,worker,user,label\n1,a.png,w,u,cat\n")
    assert (found.items, found.annotators) == (["a.png"], ["w"])
    assert "(not 'id')" in found.told[0]
    assert "(not 'user')" in found.told[0]


def test_columns_may_be_named(raw):
    table = "when,what,by,says\n1,a.png,ann,cat\n"
    found = raw(table, columns={"item": "what", "annotator": "by", "label": "SAYS"})
    assert (found.items, found.annotators, found.classes) == (["a.png"], ["ann"], ["cat"])
    assert found.told == ()
    with pytest.raises(DataError, match="no column 'who', as `columns` says; it has 'when', 'what'"):
        raw(table, columns={"item": "what", "annotator": "who", "label": "says"})


@pytest.mark.parametrize("name", ["says", "SAYS "])
def test_one_column_is_not_for_two_roles(name, raw):
    with pytest.raises(DataError, match=r"column 'says' of .* for the item and for the label; name one"):
        raw("says,by\na.png,ann\n", columns={"item": "says", "annotator": "by", "label": name})


def test_an_empty_name_says_that_there_is_no_such_column(raw):
    found = raw("item,annotator,label,confidence\na,ann,cat,high\n", columns={"weight": "", "annotator": ""})
    assert found.weights is None
    assert found.annotators is None


def test_cells_may_hold_delimiters_quotes_and_lines(raw):
    found = raw('item,annotator,label\n"a,\nb",ann,"say ""cat"""\nc,ann,dog\n')
    assert (found.items, found.classes) == (["a,\nb", "c"], ['say "cat"', "dog"])
    assert found.numbers.tolist() == [2, 4]


def test_spaces_after_delimiters_are_no_part_of_names_nor_of_quotes(raw):
    found = raw('item, annotator, label\na, ann, "cat, tabby"\n')
    assert (found.annotators, found.classes) == (["ann"], ["cat, tabby"])


def test_the_delimiter_is_the_one_that_gives_the_columns(raw):
    assert raw("item;annotator;label;a note, or two, or three, or four\na;w;cat;none\n").classes == ["cat"]


def test_spreadsheets_leave_traces(raw):
    found = raw("sep=;\nitem;annotator;label;;\na;ann;cat;;\n;;;;\n\n ; ;;;\n  \n")
    assert (found.items, found.numbers.tolist()) == (["a"], [3])


def test_an_empty_table_of_people_is_accepted_and_told(raw):
    found = raw("item,label\na,cat\na,dog\n")
    assert found.annotators is None
    assert "does not say who answered" in found.told[-1]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("a.png,ann,cat\nb.png,ann,dog\n", r"no column 'item'.*'a\.png', 'ann', 'cat'.*columns = \{ item"),
        ("item,annotator\na,ann\n", "no column 'label'"),
        ("item,annotator,label,label\na,ann,cat,dog\n", "two columns 'label'"),
        (
            f"{PLAIN}c.png,ann,cat, tabby\n",
            r"4 cells in line 5 \('c\.png,ann,cat, tabby'\).*3 columns.*quotes",
        ),
        (f'{PLAIN}"c.png,ann,cat\nd.png,ann,dog\ne.png,ann,dog\n', "opens quotes in line 5"),
        (b"PAR1...", "Parquet"),
        (b"\x89PNG\r\n", "a picture"),
        (b"\x1f\x8b..", "gzip"),
        (b"item,annotator,label\na,ann,\x81\x8d\n", "is no text in cp1252.*`?encoding"),
        ("item,annotator,label,weight\na,ann,cat,much\n", "'much' in line 2.*columns = { weight"),
    ],
)
def test_what_cannot_be_read_is_named(content, words, raw):
    with pytest.raises(DataError, match=words):
        raw(content)


def test_a_named_encoding_must_fit(raw):
    text = "item,annotator,label\na,ann,café\n"
    assert raw(text, written_in="cp1252", encoding="cp1252").told == ()
    assert raw(text, encoding="latin-1").classes == ["cafÃ©"]
    with pytest.raises(DataError, match="in 'ascii', as `encoding` says"):
        raw(text, encoding="ascii")


def test_workbooks_and_missing_files_say_what_to_do(tmp_path):
    with zipfile.ZipFile(tmp_path / "book.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
    with pytest.raises(DataError, match="Excel workbook; save"):
        read_answers(tmp_path / "book.xlsx", AnswerOptions())
    with pytest.raises(DataError, match="does not exist"):
        read_answers(tmp_path / "none.csv", AnswerOptions())
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="folder without answers"):
        read_answers(tmp_path / "empty", AnswerOptions())


def test_classes_are_trimmed():
    assert AnswerOptions(classes=("cat ", "dog\u00ad")).classes == ("cat", "dog")


def test_a_wide_encoding_may_be_named_without_a_mark(raw):
    for written in ("utf-16", "utf-16-le", "utf-16-be"):
        assert raw(PLAIN, written_in=written, encoding="utf-16").classes == ["cat", "dog", "cat"]
    assert raw(PLAIN, written_in="utf-32-le", encoding="utf-32").classes == ["cat", "dog", "cat"]


def test_weights_with_decimal_commas_and_percent(raw):
    found = raw("item;annotator;label;confidence\na;ann;cat;0,5\nb;ann;cat;70 %\n")
    np.testing.assert_allclose(found.weights, [0.5, 0.7])


def test_a_folder_of_tables_has_one_person_a_file(write, tmp_path):
    write("item,label\na,cat\n", "team/ann.csv")
    write("item,label\na,dog\nb,dog\n", "team/bob.csv")
    found = read_answers(tmp_path / "team", AnswerOptions())
    assert list(zip(found.items, found.annotators, found.classes, strict=True)) == [
        ("a", "ann", "cat"),
        ("a", "bob", "dog"),
        ("b", "bob", "dog"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"columns": {"thing": "a"}},
        *({"encoding": name} for name in ("klingon", "hex", "rot13", "idna", "zip", "undefined", "\0")),
        *({"classes": names} for names in ((), ("", "dog"), ("\u200b ", "dog"), ("a", "a "))),
        {"classes": ("a", "a")},
        {"delimiter": ", "},
        {"answers_format": "excel"},
        {"repeated": "best"},
    ],
)
def test_options_that_mean_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        AnswerOptions(**wrong)
