"""Tables as spreadsheets write them: `sep=`, old line ends, quotes that are tokens, repeated and missing headers."""

import pytest

from provenance.readers import records


def read(folder, name, data):
    (folder / name).write_bytes(data)
    *batches, account = records.read(str(folder / name), name)
    return [row["whole"] for batch in batches for row in batch.table.to_pylist()], account


@pytest.mark.parametrize(
    ("name", "data", "wholes"),
    [
        ("a.csv", b"id,text\r1,one row\r2,another row\r", ["one row", "another row"]),
        ("a.csv", b"sep=;\nid;text\n0;a, b\n1;c d\n", ["a, b", "c d"]),
        ("a.csv", b'\xef\xbb\xbf"sep=|"\r\ntext|n\r\na b|1\r\n', ["a b"]),
        ("a.csv", b"text,text,n\na b,c d,1\n", ["a b\nc d"]),
        ("a.csv", b"x,x,n\nlong words here,other words here,1\nmore of them,and of these,2\n", ["long words here\nother words here", "more of them\nand of these"]),
        ("a.tsv", b"Hello there.\tBonjour.\nHow are you?\tCa va ?\n", ["Hello there.\nBonjour.", "How are you?\nCa va ?"]),
        ("a.tsv", b"good film\t1\nbad film\t0\n", ["good film", "bad film"]),
        ("a.tsv", b"A cat sits\tentailment\nA dog\tneutral\nA bird\tentailment\n", ["A cat sits\nentailment", "A dog\nneutral", "A bird\nentailment"]),
        ("a.tsv", b"Phrase\tMark\ngood film\t1\nbad film\t0\n", ["good film", "bad film"]),
        ("a.txt", b"one line\r\rtwo lines\r", ["one line", "two lines"]),
    ],
)  # fmt: skip
def test_rows_are_what_a_spreadsheet_shows(tmp_path, name, data, wholes):
    found, account = read(tmp_path, name, data)
    assert found == wholes
    assert (account.bytes, account.bytes_skipped) == (len(data), 0)


TOKENS = b"The\tDT\tO\n\"\t''\tO\nhello\tUH\tO\n\"\t''\tO\n.\t.\tO\n\n"


@pytest.mark.parametrize(
    ("name", "data", "sentences"),
    [
        ("a.tsv", TOKENS * 3, ['The " hello " .'] * 3),
        ("a.conllu", b"# text = It's so.\n1-2\tIt's\t_\t_\t_\t_\t_\t_\t_\t_\n1\tIt\t_\t_\t_\t_\t_\t_\t_\t_\n2\t's\t_\t_\t_\t_\t_\t_\t_\t_\n3\tso\t_\t_\t_\t_\t_\t_\t_\t_\n4\t.\t_\t_\t_\t_\t_\t_\t_\t_\n\n1\tA\t_\t_\t_\t_\t_\t_\t_\t_\n2\tdog\t_\t_\t_\t_\t_\t_\t_\t_\n", ["It's so.", "A dog"]),
        ("train.txt", b"-DOCSTART- -X- O O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\nthe DT B-NP O\n. . O O\n\nPeter NNP B-NP B-PER\nrests VBZ B-VP O\n. . O O\n", ["-DOCSTART-", "EU rejects the .", "Peter rests ."]),
    ],
)  # fmt: skip
def test_tokens_in_lines_are_sentences(tmp_path, name, data, sentences):
    found, account = read(tmp_path, name, data)
    assert found == sentences
    assert account.format == "conll"


@pytest.mark.parametrize(
    ("data", "count", "format_"),
    [
        (b"".join(b"the rock is the %dth century 's hero .\n" % k for k in range(30)), 30, "lines"),
        (b"".join(b"Lighthouse %d stands on the northern cape of the island\n" % k for k in range(30)), 30, "lines"),
        (b"It was a long and winding sentence that goes on for more than one\nline of print, and so it is broken where the margin of the page is\n" * 9, 1, "text"),
        (b"a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n", 1, "text"),
    ],
)  # fmt: skip
def test_one_sentence_a_line_is_one_record_a_line(tmp_path, data, count, format_):
    found, account = read(tmp_path, "a.txt", data)
    assert (len(found), account.format) == (count, format_)


@pytest.mark.parametrize(
    ("name", "encoding", "text"),
    [
        ("windows-1252", "cp1252", "Le café du pêcheur était fermé à midi ; « déjà ! »"),
        ("windows-1250", "cp1250", "Zażółć gęślą jaźń i powiedz, że łódź płynie"),
        ("windows-1251", "cp1251", "Привет, как дела сегодня в порту?"),
        ("koi8-r", "koi8_r", "Привет, как дела сегодня в порту?"),
        ("windows-1253", "cp1253", "Καλημέρα, πώς είστε σήμερα;"),
        ("gb18030", "gbk", "港口的灯塔在暴风雨夜依然明亮，渔民们出海"),
        ("big5", "big5", "港口的燈塔在暴風雨夜依然明亮，漁民們出海"),
        ("shift_jis", "shift_jis", "港の灯台は嵐の夜にも明るい。"),
        ("euc-jp", "euc_jp", "港の灯台は嵐の夜にも明るい。"),
        ("euc-kr", "euc_kr", "항구의 등대는 폭풍우 치는 밤에도 밝다"),
    ],
)
def test_a_legacy_encoding_is_decoded_and_named(tmp_path, name, encoding, text):
    found, account = read(tmp_path, "a.txt", text.encode(encoding))
    assert (found, account.format) == ([text], f"text.{name}")
    assert account.bytes_skipped == 0


@pytest.mark.parametrize(
    "data", ["é à la mode, déjà\n".encode() * 5 + b"caf\xe9\n", b"only one \xff here", bytes(range(32, 256))]
)
def test_what_fits_no_encoding_is_not_guessed(tmp_path, data):
    _, account = read(tmp_path, "a.txt", data)
    assert account.format == "text"
    assert "not UTF-8" in account.skip_reason
