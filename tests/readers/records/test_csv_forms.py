"""Tables as spreadsheets write them: `sep=`, old line ends, quotes that are tokens, repeated and missing headers."""

import textwrap

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


COLOURS = ["red", "green", "blue", "white", "black", "brown", "pink", "grey", "gold", "teal", "plum", "lime"]
BARE = [" ".join(COLOURS[(k * k + j * (k % 5 + 1)) % 12] for j in range(7 + k % 9)) for k in range(60)]
"""Lines of different lengths without marks or capitals."""


def test_verses_of_six_words_are_no_table_of_tokens(tmp_path):
    verses = [
        " ".join(f"{COLOURS[(k + j) % 12]}{'abcdefghijklmnopqrstuvwxyz'[(k + 5 * j) % 26]}" for j in range(6))
        for k in range(48)
    ]
    stanzas = ["\n".join(verses[k : k + 4]) for k in range(0, len(verses), 4)]
    found, account = read(tmp_path, "a.txt", "\n\n".join(stanzas).encode())
    assert (found, account.format) == (stanzas, "text")


@pytest.mark.parametrize("encoding", ["utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.txt"])
def test_wide_encodings_are_known_by_their_mark(tmp_path, name, encoding):
    content = {
        "a.csv": "id,text\n1,{}\n2,{}\n",
        "a.jsonl": '{{"text":"{}"}}\n{{"text":"{}"}}\n',
        "a.txt": "{}\n\n{}\n",
    }[name]
    texts = ["Das Haus ist groß.", "Es steht am Meer."]
    found, account = read(tmp_path, name, ("\ufeff" + content.format(*texts)).encode(encoding))
    assert (found, account.bytes_skipped) == (texts, 0)


def test_a_small_text_loses_its_cut_character_alone(tmp_path):
    for name, text in (("a.txt", "море и маяк"), ("b.txt", "gut"), ("c.txt", "so sch\u00f6"), ("d.txt", "end")):
        (tmp_path / name).write_bytes(text.encode()[: -1 if name in "a.txt c.txt" else None])
        found, account = read(tmp_path, name, (tmp_path / name).read_bytes())
        cut = name in "a.txt c.txt"
        assert (found, account.bytes_skipped) == ([text[:-1], None] if cut else [text], 1 if cut else 0)


@pytest.mark.parametrize(
    ("data", "count", "format_"),
    [
        (b"".join(b"the rock is the %dth century 's hero .\n" % k for k in range(30)), 30, "lines"),
        (b"".join(b"Lighthouse %d stands on the northern cape of the island\n" % k for k in range(30)), 30, "lines"),
        ("\n".join(BARE).encode(), 60, "lines"),
        ("\n".join(textwrap.wrap(" ".join(BARE), 72)).encode(), 1, "text"),
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


def test_keys_with_colons_are_no_tokens(tmp_path):
    agents = "\n\n".join(f"User-agent: bot{k}\nDisallow: /\nDisallow: /private\nCrawl-delay: 1" for k in range(12))
    _, account = read(tmp_path, "host.example", agents.encode())
    assert account.format == "text"
