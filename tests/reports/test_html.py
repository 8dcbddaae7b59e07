"""The HTML report, read by a parser that did not make it: one file, nothing runs or loads, nothing is lost unsaid."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pyarrow as pa
import pytest

import provenance as pv
from provenance.cli import run
from provenance.core import schemas
from provenance.ledger import Seal
from provenance.reports import html
from provenance.reports.html import findings, markup, overlap_matrix, summary
from provenance.reports.html.masking import mask_personal_data

VOID = {"meta", "input", "link", "br", "col", "img", "hr"}
ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "nav", "p", "ol", "ul", "li", "a", "main", "header", "section", "h1",
    "h2", "h3", "h4", "b", "i", "q", "dl", "dt", "dd", "bdi", "code", "span", "div", "form", "input", "select", "option",
    "output", "label", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "article", "figure", "figcaption",
    "blockquote", "mark", "footer", "svg", "g", "defs", "pattern", "path", "rect", "text", "script",
}  # fmt: skip
SEAL = Seal(3, "provenance.local/abc", "SHA256:key")
EVIL = "\"'><script>alert(1)</script></style><img src=x onerror=alert(2)>&lt;\u202egnp.exe\u200b\x01</title></svg>"


class Page(HTMLParser):
    """What stands where; every tag must be closed in its order."""

    def __init__(self, held):
        super().__init__(convert_charrefs=True)
        self.stack, self.elements, self.texts, self.inside = [], [], [], {}
        self.feed(held.decode())
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names))
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        self.inside.setdefault(self.stack[-1] if self.stack else None, []).append(data)
        if not {"script", "style"} & set(self.stack):
            self.texts.append(data)

    @property
    def text(self):
        return " ".join("".join(self.texts).split())

    def all(self, tag, class_=None):
        return [
            attrs
            for name, attrs in self.elements
            if name == tag and (class_ is None or class_ in (attrs.get("class") or "").split())
        ]

    @property
    def ids(self):
        return [attrs["id"] for _, attrs in self.elements if "id" in attrs]


def jsonl(*texts):
    return "".join(json.dumps({"prompt": f"What of {text}?", "answer": text}) + "\n" for text in texts)


PERSONAL = "write to jo.doe@corp-mail.net or +49 171 2345678 <b>now</b>, or come by and ask any of us about the rates"
TEXTS = [
    PERSONAL,
    *(f"the {k}th long answer about boats, ropes and how the tide carries them {k} miles out" for k in range(12)),
]
NEAR = [text.replace("boats, ropes", "boats, nets") for text in TEXTS]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "data"
    for name, licence, texts in (
        ("strict", "cc-by-nc-4.0", TEXTS),
        ("mild", "mit", [TEXTS[0], NEAR[1], *TEXTS[2:]]),
        ("alone", "other", ["nothing like the others here"]),
    ):
        (folder / name).mkdir(parents=True)
        (folder / name / "README.md").write_text(f"---\nlicense: {licence}\n---\n# {name}\n")
        (folder / name / "x.jsonl").write_text(jsonl(*texts))
    (folder / "alone" / "z.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    return folder


@pytest.fixture(scope="module")
def audit(data):
    return pv.scan(data, workers=1)


@pytest.fixture(scope="module")
def ledger(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bound")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROVENANCE_CONFIG", str(folder / "config"))
        pv.scan(data, folder / "ledger", workers=1)
    return folder / "ledger"


@pytest.fixture(scope="module")
def page(audit):
    return Page(html.render(audit.tables, audit.facts, SEAL))


def test_it_is_one_file_that_loads_and_runs_nothing_but_its_own(page):
    assert {tag for tag, _ in page.elements} <= ALLOWED
    for tag, attrs in page.elements:
        assert not [name for name in attrs if name.startswith("on") or name in {"style", "src", "srcset", "action"}]
        assert attrs.get("href", "#").startswith("#"), tag
    policy = next(
        attrs["content"] for attrs in page.all("meta") if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none';")
    for kind in ("style", "script"):
        assert len(page.inside[kind]) == 1
        digest = base64.b64encode(hashlib.sha256(page.inside[kind][0].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
        assert "http" not in page.inside[kind][0]
        assert "@import" not in page.inside[kind][0]


def test_what_was_not_looked_at_stands_before_what_was_found(page):
    sections = [attrs["id"] for attrs in page.all("section") if "id" in attrs]
    assert sections == ["coverage", "verdicts", "findings", "overlap", "sources", "files", "checks", "verify"]
    content = page.text.partition("108 bytes of")[2]
    places = [
        content.index(said) for said in ("no reader for png yet", "open point", "What it does not prove", "Jaccard 0.8")
    ]
    assert places == sorted(places)
    for said in (
        "cc-by-nc-4.0",
        "number 3 of provenance.local/abc",
        "SHA256:key",
        "draft: on record",
        "commercial-service",
    ):
        assert said in page.text, said


def test_every_finding_is_there_whole_and_every_link_leads_somewhere(page, audit):
    rows = audit.tables["findings"].to_pylist()
    assert {row["check"] for row in rows} >= {"licence-conflict-by-content", "licence-forbids-purpose"}
    shown = page.all("article", "finding")
    assert [attrs["id"] for attrs in shown] == [f"f-{row['fingerprint']}" for row in rows]
    for row in rows:
        for column in ("message", "limits", "fingerprint", "source"):
            assert " ".join(row[column].split()) in page.text, column
    assert len(page.ids) == len(set(page.ids))
    links = {attrs["href"][1:] for attrs in page.all("a")}
    assert links <= set(page.ids)


def test_sources_stand_with_their_witnesses_and_their_words(page, audit):
    assert {attrs["data-name"] for attrs in page.all("details", "source")} == set(audit.sources["source"])
    assert "strict/README.md:/license" in page.text
    assert "cc-by-nc-4.0" in page.text
    assert "decides" in page.text


def test_the_matrix_says_what_overlaps_says(page, audit):
    rows = [row for row in audit.tables["overlaps"].to_pylist() if row["path_a"] is None]
    assert rows
    nouns = {"whole": "records", "prompt": "prompts", "answer": "answers"}
    for row in rows:
        said = (
            f"{row['near']} of {row['records_a']} {nouns[row['view']]} of {row['source_a']} stand in {row['source_b']} "
            f"({row['exact']} word for word)"
        )
        assert f"{said}. Their licences conflict." in page.text
    assert len(page.all("svg", "plot")) == 3
    assert len(page.all("rect", "conflict")) == len(rows) + 1  # and the legend's
    assert "Short answers, such as a yes or a number, are often the same by chance." in page.text


def test_a_verdict_cites_what_speaks_against_it_before_what_has_no_weight():
    row = {
        "fingerprints": ["a", "b", "c"],
        "asks": None,
        "answered_by": "machine",
        "observed": "open point",
        "assessed": None,
        "reason": "1 finding against it",
    }
    said = str(summary._element(row, {"c": "worst", "x": "of another element", "b": "middle", "a": "mild"}))
    assert said.index("worst") < said.index("middle") < said.index("mild")
    assert "of another element" not in said


def test_the_same_tables_give_the_same_bytes(audit):
    assert html.render(audit.tables, audit.facts, SEAL) == html.render(dict(audit.tables), dict(audit.facts), SEAL)


def test_no_text_of_the_data_is_in_it(audit):
    held = html.render(audit.tables, audit.facts, SEAL).decode()
    for text in (*TEXTS, *NEAR, "jo.doe", "nothing like the others"):
        assert text not in held


@pytest.mark.parametrize(
    "evil", [EVIL, "x" * 300_000, "\u202e" * 2000, "\n\t'\"<&>", "ÿ\uffff\U0010ffff"], ids=range(5)
)
def test_what_somebody_chose_to_call_things_is_only_text(audit, evil):
    """Every text of every table is hostile at once."""
    tables = {}
    for name, table in audit.tables.items():
        columns = []
        for field in table.schema:
            values = table[field.name].to_pylist()
            kept = field.name in {"view", "role", "severity", "status", "fingerprint", "method"}
            if field.type == pa.string() and not kept:
                values = [None if each is None else f"{each}{evil}" for each in values]
            columns.append(pa.array(values, field.type))
        tables[name] = pa.table(columns, schema=table.schema)
    facts = audit.facts | {"data": f"data{evil}"}
    held = html.render(tables, facts, Seal(3, f"origin{evil}", f"key{evil}"))
    page = Page(held)
    assert {tag for tag, _ in page.elements} <= ALLOWED
    assert len(page.inside["script"]) == len(page.inside["style"]) == 1
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]
    assert not re.search("[\u202e\u200b\x00\x01\uffff]", held.decode())
    assert len(held) < 5_000_000
    if evil == EVIL:
        assert "<script>alert(1)</script>" in page.text
        assert "[U+202E]gnp.exe[U+200B][U+0001]" in page.text


def many(audit, name, count, change):
    rows = audit.tables[name].to_pylist()
    made = [rows[k % len(rows)] | change(k) for k in range(count)]
    return pa.Table.from_pylist(made, schema=schemas.SEALED[name])


def test_a_thousand_sources_stay_readable_and_what_is_cut_is_said(audit):
    names = [f"folder/of/a/rather/long/name/source-{k:04}" for k in range(1000)]
    pairs = [(a, b) for a in range(120) for b in range(120) if a != b]
    tables = dict(audit.tables) | {
        "sources": many(audit, "sources", 1000, lambda k: {"source": names[k], "records": 1000 - k}),
        "findings": many(
            audit, "findings", 4000, lambda k: {"fingerprint": f"{k:032x}", "source": names[k % 1000], "other": None}
        ),
        "overlaps": many(
            audit, "overlaps", 2 * len(pairs),
            lambda k: {
                "view": ("whole", "prompt")[k % 2], "view_b": ("whole", "prompt")[k % 2], "source_a": names[pairs[k // 2][0]], "path_a": None, "path_b": None,
                "source_b": names[pairs[k // 2][1]], "records_a": 200, "near": 120 - pairs[k // 2][0], "exact": 1,
            },
        ),
    }  # fmt: skip
    held = html.render(tables, audit.facts, SEAL)
    page = Page(held)
    assert len(held) < 5_000_000
    shown = len(page.all("article", "finding"))
    assert 500 < shown <= findings.MOST_FINDINGS
    assert f"{4000 - shown:,} more findings are in findings.parquet" in page.text
    told = len(page.all("details", "source"))
    assert told > 500
    assert told == 1000 or f"{1000 - told:,} more sources are in sources.parquet" in page.text
    assert f"{120 - overlap_matrix.MOST_SOURCES} more sources share less" in page.text
    assert f"{2 * len(pairs) - overlap_matrix.MOST_PAIRS:,} more pairs stand in overlaps.parquet" in page.text
    assert "source-0000" in page.text


def test_nothing_found_is_said_and_is_no_praise(in_process, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "README.md").write_text("---\nlicense: mit\n---\n# Set\n")
    (tmp_path / "set" / "x.jsonl").write_text(jsonl("one text alone"))
    audit = pv.scan(tmp_path, workers=1)
    page = Page(html.render(dict(audit.tables) | {"findings": schemas.empty(schemas.FINDINGS)}, audit.facts))
    assert "No findings. What was not looked at stands above." in page.text
    assert "No record of one source stands in another" in page.text
    assert "nothing binds it" in page.text


def test_a_waived_finding_says_by_whom(audit):
    rows = [row | {"waived": "by the data officer until 2027-01-01: licence bought"} for row in
            audit.tables["findings"].to_pylist()]  # fmt: skip
    tables = dict(audit.tables) | {"findings": pa.Table.from_pylist(rows, schema=schemas.FINDINGS)}
    page = Page(html.render(tables, audit.facts))
    assert "Waived. by the data officer until 2027-01-01: licence bought" in page.text
    assert "results count them all the same" in page.text


@pytest.mark.parametrize(
    ("text", "limit", "said"),
    [
        ("plain", 0, "plain"),
        ("a\u202eb", 0, "a[U+202E]b"),
        ("\x00\x1b[31m", 0, "[U+0000][U+001B][31m"),
        ("\ud800", 0, "[U+D800]"),
        ("a\nb\tc", 0, "a\nb\tc"),
        ("茶馆 é ½", 0, "茶馆 é ½"),
        ("abcdef", 4, "abcd… (2 more characters)"),
        ("abcd", 4, "abcd"),
    ],
)
def test_what_cannot_be_seen_is_shown(text, limit, said):
    assert markup.make_visible(text, limit) == said


def test_text_is_text_and_markup_is_markup():
    made = markup.tag(
        "p", "<b>", markup.tag("b", 'a"b'), 1234, None, class_="x<y", hidden=True, id=None, x=0, aria_label="l"
    )
    assert made == '<p class="x&lt;y" hidden x="0" aria-label="l">&lt;b&gt;<b>a&quot;b</b>1,234</p>'


# The ledger binds it


def test_the_report_in_the_ledger_is_bound_and_is_what_report_renders(in_process, data, tmp_path, capfd):
    ledger = tmp_path / "ledger"
    assert run(["scan", str(data), "--ledger", str(ledger), "--workers", "1"]) == 1
    bound = ledger / "scans" / "00000000" / "report.html"
    assert str(bound) in capfd.readouterr().out
    assert run(["report", str(ledger), "--format", "html", "-o", str(tmp_path / "r.html")]) == 0
    assert (tmp_path / "r.html").read_bytes() == bound.read_bytes()
    assert "number 0 of" in Page(bound.read_bytes()).text
    listed = pv.open_ledger(ledger).facts["folder"]
    assert {"path": "scans/00000000/report.html", "sha256": hashlib.sha256(bound.read_bytes()).hexdigest()} in listed
    assert run(["verify", str(ledger)]) == 0
    bound.write_bytes(bound.read_bytes().replace(b"error", b"none!", 1))
    assert run(["verify", str(ledger)]) == 1
    assert "report.html" in capfd.readouterr().out


# Masked evidence


def test_with_the_data_pairs_stand_side_by_side_and_are_masked(audit, data):
    page = Page(html.render(audit.tables, audit.facts, SEAL, data=data))
    assert {tag for tag, _ in page.elements} <= ALLOWED
    assert "This copy shows excerpts of the data" in page.text
    assert "write to [" in page.text
    assert "] <b>now</b>, or come by" in page.text
    quotes = page.all("blockquote")
    assert quotes
    assert len(quotes) % 2 == 0
    assert "jo.doe" not in page.text
    assert "2345678" not in page.text


def test_words_that_one_side_alone_has_are_marked(in_process, tmp_path):
    dice = random.Random(7)  # noqa: S311 - the words are made up, no secret
    lines = [[f"w{dice.randrange(10**6)}x" for _ in range(80)] for _ in range(12)]
    for name, word, licence in (("a", "rowing", "cc-by-nc-4.0"), ("b", "<sailing>", "mit")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "README.md").write_text(f"---\nlicense: {licence}\n---\n# {name}\n")
        held = [json.dumps({"text": " ".join([*line[:40], word, *line[40:]])}) for line in lines]
        (tmp_path / name / "x.jsonl").write_text("\n".join(held))
    audit = pv.scan(tmp_path, workers=1)
    assert "licence-conflict-by-content" in set(audit.findings["check"])
    page = Page(html.render(audit.tables, audit.facts, data=tmp_path))
    shown = 2 * 3  # lineage-undeclared shows the same three pairs
    assert sorted(word.strip() for word in page.inside["mark"]) == ["<sailing>"] * shown + ["rowing"] * shown


def test_a_file_that_changed_or_is_gone_shows_nothing(audit, data, tmp_path):
    copy = tmp_path / "data"
    shutil.copytree(data, copy)
    (copy / "strict" / "x.jsonl").write_text(jsonl(*["other words that nobody scanned"] * 13))
    (copy / "mild" / "x.jsonl").unlink()
    page = Page(html.render(audit.tables, audit.facts, data=copy))
    assert "strict/x.jsonl is not the file that was scanned" in page.text
    assert "mild/x.jsonl cannot be read back" in page.text
    assert "other words that nobody scanned" not in page.text


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("write to jo.doe@corp-mail.net now", "jo.doe@corp-mail.net"),
        ("call +49 171 2345678 now", "171 2345678"),
        ("id 11010519491231002X now", "11010519491231002"),
        ("card 4929 1234 5678 9012 now", "1234 5678"),
        ("iban DE89 3704 0044 0532 0130 00 now", "3704 0044"),
        ("from 84.17.33.9 now", "84.17.33.9"),
    ],
)
def test_masks(text, hidden):
    assert hidden not in mask_personal_data(text)
    assert mask_personal_data(text).endswith("now")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--format", "json", "-o", "{out}/r.json", "--data", "{data}"], "--data goes with --format html alone"),
        (["--format", "html", "-o", "{ledger}/r.html", "--data", "{data}"], "is in a ledger"),
        (["--format", "html", "-o", "{ledger}/scans/latest/r.html", "--data", "{data}"], "is in a ledger"),
        (["--format", "html", "-o", "{out}/link/r.html", "--data", "{data}"], "is in a ledger"),
        (["--format", "html", "-o", "{out}/r.html", "--data", "{out}/none"], "is no folder"),
    ],
)
def test_excerpts_never_get_under_a_ledger(data, ledger, tmp_path, capfd, options, sentence):
    (tmp_path / "link").symlink_to(ledger)
    before = sorted(ledger.rglob("*"))
    given = [each.format(out=tmp_path, ledger=ledger, data=data) for each in options]
    assert run(["report", str(ledger), *given]) == 2
    assert sentence in " ".join(capfd.readouterr().err.split())
    assert sorted(ledger.rglob("*")) == before
    assert not (tmp_path / "r.html").exists()


def test_report_with_data_writes_elsewhere(data, ledger, tmp_path):
    out = tmp_path / "r.html"
    assert run(["report", str(ledger), "--format", "html", "-o", str(out), "--data", str(data)]) == 0
    assert "or come by and ask any of us" in Page(out.read_bytes()).text


# A browser


BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.mark.full
@pytest.mark.parametrize("name", ["data", EVIL])
def test_a_browser_runs_its_script_and_nothing_else(audit, tmp_path, name):
    if BROWSER is None:
        pytest.skip("no chromium here")
    held = html.render(audit.tables, audit.facts | {"data": name}, SEAL)
    (tmp_path / "r.html").write_bytes(held)
    # what is not its own must be refused by the page's policy, even if it got in
    broken = held.replace(
        b"</main>", b"<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"></main>"
    )
    (tmp_path / "broken.html").write_bytes(broken)
    for file in ("r.html", "broken.html"):
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        done = subprocess.run(
            [BROWSER, *flags, f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=2000", "--dump-dom",
             f"file://{tmp_path / file}"],
            capture_output=True, timeout=120, check=True,
        )  # fmt: skip
        dom = done.stdout.decode()
        assert re.search(r'<form[^>]*class="toolbar"', dom)
        assert not re.search(r'<form[^>]*class="toolbar"[^>]*hidden', dom), "the script did not run"
        assert '<option value="licence-conflict-by-content">' in dom
        assert "<title>owned" not in dom


@pytest.mark.parametrize(("count", "left"), [(0, None), (3, None), (200, None), (1203, "1,003 older ones")])
def test_what_people_did_stands_there_where_they_did_anything(audit, count, left):
    page = Page(html.render(audit.tables, audit.facts, SEAL, history=[f"act {at}: {EVIL}" for at in range(count)]))
    assert ("What people did about it" in page.text) == (count > 0)
    assert ({"href": "#acts"} in page.all("a")) == (count > 0)
    assert len(re.findall(r"act \d+: ", page.text)) == min(count, 200)
    assert ("older ones" in page.text) == (left is not None)
    assert left is None or left in page.text
    assert {tag for tag, _ in page.elements} <= ALLOWED
