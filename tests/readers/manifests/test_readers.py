from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.errors import InputError, ManifestError, UnknownFormat
from provenance.licences.expressions import normalise
from provenance.readers import manifests

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "manifests/examples"


def facts(claims, *fields):
    return [(c.scope, c.field, c.value, c.subject) for c in claims if not fields or c.field in fields]


def read(path, text):
    data = text if isinstance(text, bytes) else text.encode()
    return manifests.read(path, data, manifests.recognise(path, data))


def test_a_card():
    claims = read("a/README.md", (EXAMPLES / "card/README.md").read_bytes())
    assert facts(claims) == [
        ("a/", "source", "a", "any"),
        ("a/", "licence", "cc-by-sa-4.0", "data"),
        ("a/", "name", "Harbour Questions", "data"),
        ("a/", "language", "en", "data"),
        ("a/", "language", "no", "data"),
        ("a/", "upstream", "natural_questions", "data"),
        ("a/", "kind", "synthetic", "data"),
        ("a/", "url", "https://example.org/harbour", "data"),
        ("a/", "licence", "CC BY-SA 4.0", "data"),
        ("a/", "licence", "MIT", "code"),
    ]
    assert [c.pointer for c in claims if c.field == "licence"] == ["/license", "L19", "L19"]


@pytest.mark.parametrize(
    ("front", "licences"),
    [
        ("license: mit", ["mit"]),
        ("license: [cc-by-sa-3.0, gfdl]", ["cc-by-sa-3.0", "gfdl"]),
        ("license: other\nlicense_name: llama3\nlicense_link: https://x.y", ["llama3"]),
        (
            "license: cc-by-4.0\nlicense_link: https://creativecommons.org/licenses/by-nc/4.0/",
            ["cc-by-4.0", "https://creativecommons.org/licenses/by-nc/4.0/"],
        ),
        ("license: mit\nlicense_name: MIT\nlicense_link: https://x.y", ["mit"]),
        (
            "license: other\nlicense_link: https://creativecommons.org/licenses/by/4.0/",
            ["https://creativecommons.org/licenses/by/4.0/"],
        ),
        ("license: other", ["other"]),
        ("license: {a: mit, b: [apache-2.0]}", ["mit", "apache-2.0"]),
        ("license:", []),
        ("license: no", ["no"]),
    ],
)
def test_licences_of_a_card(front, licences):
    claims = read("README.md", f"---\n{front}\ntags: []\n---\n")
    assert facts(claims, "licence") == [("./", "licence", value, "data") for value in licences]


@pytest.mark.parametrize(
    "text", ["---\nlicense: mit\n", "---\nlicense: mit\nlicense: gpl\n---\n", "---\n- license\nlicense: x\n---\n"]
)
def test_a_broken_card_is_refused(text):
    with pytest.raises(ManifestError) as caught:
        manifests.read("a/README.md", text.encode(), "hf-card")
    assert str(caught.value).startswith("a/README.md")


def test_a_readme():
    claims = read("d/README.md", (EXAMPLES / "readme/README.md").read_bytes())
    assert facts(claims) == [
        ("d/", "source-weak", "d", "any"),
        ("d/", "name", "Tide Tables", "any"),
        ("d/", "url", "https://example.org/tides", "any"),
        ("d/", "licence", "Apache 2.0", "code"),
        ("d/", "licence", "CC By NC 4.0", "data"),
        ("d/", "licence", "CC BY NC 4.0", "data"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "# A\n\nFrom [GPTeacher](https://github.com/teknium1/GPTeacher).\n",
            ["https://github.com/teknium1/GPTeacher"],
        ),
        ("git clone https://github.com/a/b.git", ["https://github.com/a/b"]),
        ("https://github.com/a/b/blob/main/x.py and https://github.com/a/b", ["https://github.com/a/b"]),
        ("https://huggingface.co/datasets/openai/gsm8k", ["https://huggingface.co/datasets/openai/gsm8k"]),
        ("https://huggingface.co/datasets/squad.", ["https://huggingface.co/datasets/squad"]),
        ("https://huggingface.co/openai https://github.com/a https://example.org/a/b", []),
    ],
)
def test_addresses_of_repositories_and_data_sets_in_a_readme(text, expected):
    claims = [claim for claim in read("d/README.md", text) if claim.field == "link"]
    assert [claim.value for claim in claims] == expected
    assert {claim.pointer for claim in claims} <= {"L1", "L3"}


def test_a_document_names_no_more_addresses_than_are_kept():
    text = "\n".join(f"https://github.com/a/b{k}" for k in range(150))
    assert len([claim for claim in read("d/README.md", text) if claim.field == "link"]) == 100


def test_the_splits_of_a_card():
    front = """configs:
- config_name: default
  data_files:
  - {split: train, path: "data/train-*.parquet"}
  - split: test
    path: [./test-0.parquet, test-1.parquet]
- config_name: all
  data_files: all.parquet
- other
"""
    claims = [claim for claim in read("d/README.md", f"---\n{front}---\n") if claim.field == "split-files"]
    assert [(claim.value, claim.pointer, claim.scope) for claim in claims] == [
        ("train=data/train-*.parquet", "/configs/0/data_files/0/path", "d/"),
        ("test=test-0.parquet", "/configs/0/data_files/1/path/0", "d/"),
        ("test=test-1.parquet", "/configs/0/data_files/1/path/1", "d/"),
        ("train=all.parquet", "/configs/1/data_files", "d/"),  # files that name no split are trained on
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# Harbour questions of our town\n", None),
        ("# H\n\nQuestions that visitors asked us.\n\nAnd what we have answered them.\n", ("11 words", "L3")),
        ("# H\n\n茶馆里客人问的。\n", ("7 words", "L3")),
        ("# H\n\nToo short, this.\n", None),
        ("# H\n\nSee also https://example.org/a/b/c/d/e\n", None),
        ("# H\n\nThe data is licensed under CC BY 4.0.\n", None),  # a licence is no origin
        ("# H\n\n```\npython tune.py with all of the data\n```\n\n    python tune.py with all of the data\n", None),
        ("| one | two | three | four | five |\n<a href='x'>one two three four five</a>\n", None),
        ("![one two three four five](x.png)\n[![one two](three) four five six](y)\n", None),
    ],
)
def test_words_of_prose_are_counted_and_not_judged(text, expected):
    found = [(claim.value, claim.pointer) for claim in read("d/README.md", text) if claim.field == "prose"]
    assert found == ([expected] if expected else [])


def test_headings_of_a_readme_cover_what_they_name():
    text = "# Extensions\n\n## GPTeacher\nOne.\n\nLicense: MIT\n\n## Dolly\nThe file `dolly.json`.\n\nLicense: CC BY-SA 3.0\n"
    assert facts(read("x/README.md", text), "licence") == [
        ("x/GPTeacher/", "licence", "MIT", "any"),
        ("x/dolly.json", "licence", "CC BY-SA 3.0", "any"),
    ]


def test_one_licensed_heading_covers_all():
    text = "# Sets\n\n## Use\n\n## Licence\n\nLicense: MIT\n"
    assert facts(read("x/README.md", text), "licence") == [("x/", "licence", "MIT", "any")]


def test_only_a_readme_opens_a_source():
    assert facts(read("a/datasheet.md", "# X"), "source-weak") == []


MIT = (EXAMPLES / "readme/LICENSE").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("a/LICENSE", MIT, [("a/", "licence", "MIT", "any")]),
        ("DATA_LICENSE", "CC BY-NC 4.0\n", [("./", "licence", "CC-BY-NC-4.0", "data")]),
        ("WEIGHT_DIFF_LICENSE", "CC BY-NC 4.0", [("./", "licence", "CC-BY-NC-4.0", "model")]),
        ("LICENSE-CODE", MIT, [("./", "licence", "MIT", "code")]),
        ("LICENSE", "\n\nAsk Bob before you use it.\n", [("./", "licence", "Ask Bob before you use it.", "any")]),
        ("LICENSE", "", []),
        ("NOTICE", "Copyright X", []),
    ],
)
def test_licence_files(path, text, expected):
    assert facts(read(path, text)) == expected


@pytest.mark.parametrize("extra", ["No commercial use.", "You shall not train machine learning models with it."])
def test_a_changed_licence_does_not_pass_for_the_licence(extra):
    (claim,) = read("LICENSE", MIT + "\n" + extra)
    assert normalise(claim.value).expression is None
    assert claim.value.startswith("MIT with additions")


def test_a_native_manifest():
    claims = read("provenance.yaml", (EXAMPLES / "provenance.yaml").read_bytes())
    assert facts(claims, "source", "members", "licence", "upstream", "view", "revision") == [
        ("mails/", "source", "support-mails", "any"),
        ("mails/", "licence", "Customers agreed to the use for training in §7 of our terms.", "content"),
        ("mails/", "view", "body=text", "data"),
        ("mails/", "view", "answer=answer", "data"),
        ("alpaca/", "source", "alpaca-de", "any"),
        ("alpaca/", "revision", "4f2a9c1", "data"),
        ("alpaca/", "upstream", "stanford-alpaca", "data"),
        ("alpaca/", "members", "alpaca/*.jsonl", "data"),
        ("alpaca/", "licence", "CC-BY-NC-4.0", "data"),
        ("feed/", "source", "news-feed", "any"),
        ("feed/", "licence", "Training of our own models, §3 of the contract.", "data"),
        ("feed/", "licence", "Training of our own models, §3 of the contract.", "content"),
        ("forum/", "source", "forum-2026-01", "any"),
    ]
    assert next(c.date for c in claims if c.field == "licence") == "2024-01-01"


def test_a_native_manifest_in_a_folder():
    digest = "A" * 64
    text = f"provenance: 1\nsources:\n- id: x\n  files: [a.jsonl]\n  sha256: {{a.jsonl: {digest}}}\n"
    assert facts(read("d/provenance.yaml", text), "source", "members", "sha256") == [
        ("d/", "source", "x", "any"),
        ("d/", "members", "d/a.jsonl", "data"),
        ("d/a.jsonl", "sha256", digest.lower(), "data"),
    ]


def stated(entry, *fields):
    claims = read("d/provenance.yaml", f"provenance: 1\nsources:\n- {{id: x, {entry}}}\n")
    return [(c.field, c.value, c.pointer.removeprefix("/sources/0")) for c in claims if c.field.startswith(fields)]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (
            "contract: {file: a.pdf, parties: [We, They], signed: 2025-01-02, until: 2027, scope: all uses}",
            [
                ("contract.file", "a.pdf", "/contract/file"),
                ("contract.parties", "We", "/contract/parties/0"),
                ("contract.parties", "They", "/contract/parties/1"),
                ("contract.signed", "2025-01-02", "/contract/signed"),
                ("contract.until", "2027", "/contract/until"),
                ("contract.scope", "all uses", "/contract/scope"),
            ],
        ),
        (
            "contract: [{file: ./a.pdf}, {scope: b}]",
            [("contract.file", "a.pdf", "/contract/0/file"), ("contract.scope", "b", "/contract/1/scope")],
        ),
        (
            "collection: {file: log.txt, method: crawl, user_agent: OurBot/1, started: 2025-01, ended: 2025-02}",
            [
                ("collection.file", "log.txt", "/collection/file"),
                ("collection.method", "crawl", "/collection/method"),
                ("collection.user_agent", "OurBot/1", "/collection/user_agent"),
                ("collection.started", "2025-01", "/collection/started"),
                ("collection.ended", "2025-02", "/collection/ended"),
            ],
        ),
        (
            'consent: {version: "3", basis: opt-in, service: Our forum}',
            [
                ("consent.version", "3", "/consent/version"),
                ("consent.basis", "opt-in", "/consent/basis"),
                ("consent.service", "Our forum", "/consent/service"),
            ],
        ),
        (
            'generator: [{name: m, version: "1", provider: p, terms: t, acquired: 2025}, {model: n}]',
            [
                ("generator.name", "m", "/generator/0/name"),
                ("generator.version", "1", "/generator/0/version"),
                ("generator.provider", "p", "/generator/0/provider"),
                ("generator.terms", "t", "/generator/0/terms"),
                ("generator.acquired", "2025", "/generator/0/acquired"),
                ("generator.model", "n", "/generator/1/model"),
            ],
        ),
        (
            "personal_data: {contains: sensitive, ground: consent, sensitive: [health, minors], note: of 12}",
            [
                ("personal_data.contains", "sensitive", "/personal_data/contains"),
                ("personal_data.ground", "consent", "/personal_data/ground"),
                ("personal_data.sensitive", "health", "/personal_data/sensitive/0"),
                ("personal_data.sensitive", "minors", "/personal_data/sensitive/1"),
                ("personal_data.note", "of 12", "/personal_data/note"),
            ],
        ),
        (
            "collected: {from: 2019, to: 2024-12}, first_used: 2025-05-01, tokens: {count: 12, tokenizer: ours}",
            [
                ("first_used", "2025-05-01", "/first_used"),
                ("collected.from", "2019", "/collected/from"),
                ("collected.to", "2024-12", "/collected/to"),
                ("tokens.count", "12", "/tokens/count"),
                ("tokens.tokenizer", "ours", "/tokens/tokenizer"),
            ],
        ),
        (
            'filters: [{name: words, version: "2", in: 10, out: 9}, {name: people}]',
            [
                ("filter.name", "words", "/filters/0/name"),
                ("filter.version", "2", "/filters/0/version"),
                ("filter.in", "10", "/filters/0/in"),
                ("filter.out", "9", "/filters/0/out"),
                ("filter.name", "people", "/filters/1/name"),
            ],
        ),
    ],
)
def test_what_a_native_manifest_says_of_an_origin(entry, expected):
    fields = ("contract", "collect", "consent", "generator", "personal_data", "first_used", "tokens", "filter")
    assert stated(entry, *fields) == expected


@pytest.mark.parametrize("key", ["contract", "collection", "consent", "filters"])
def test_the_digest_of_a_document_is_claimed_of_its_path(key):
    record = f"file: papers/a.pdf, sha256: {'A' * 64}"
    entry = f"path: deep, {key}: " + (f"[{{name: f, {record}}}]" if key == "filters" else f"{{{record}}}")
    claims = read("d/provenance.yaml", f"provenance: 1\nsources:\n- {{id: x, {entry}}}\n")
    assert [(c.scope, c.value) for c in claims if c.field == "sha256"] == [("d/papers/a.pdf", "a" * 64)]
    assert [c.scope for c in claims if c.field.endswith(".file")] == ["d/deep/"]


def test_a_digest_alone_is_no_claim_of_a_path():
    assert [c.field for c in read("provenance.yaml", SHA_ALONE)] == ["source", "contract.sha256"]


SHA_ALONE = f"provenance: 1\nsources: [{{id: x, contract: {{sha256: {'a' * 64}}}}}]\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not of type"),
        ("provenance: 1\nsources: [{id: x, contract: {fiel: a}}]", "'fiel' is not a key here"),
        ("provenance: 1\nsources: [{id: x, contract: [{fiel: a}]}]", "'fiel' is not a key here"),
        ("provenance: 1\nsources: [{id: x, contract: {file: ../a}}]", "/sources/0/contract/file"),
        ("provenance: 1\nsources: [{id: x, contract: {until: soon}}]", "/sources/0/contract/until"),
        ("provenance: 1\nsources: [{id: x, collection: {method: magic}}]", "crawl"),
        ("provenance: 1\nsources: [{id: x, consent: {}}]", "/sources/0/consent"),
        ("provenance: 1\nsources: [{id: x, generator: GPT}]", "what generated synthetic data"),
        ('provenance: 1\nsources: [{id: x, filters: [{version: "1"}]}]', "'name' is a required property"),
        ("provenance: 1\nsources: [{id: x, tokens: {count: -1, tokenizer: t}}]", "/sources/0/tokens/count"),
        ("sources: [{id: x}]", "provenance"),
        ("provenance: 2\nsources: [{id: x}]", "/provenance"),
        ("provenance: 1\nsources: []", "/sources"),
        ("provenance: 1\nsources: [{id: x, licens: MIT}]", "licence"),
        ("provenance: 1\nsources: [{id: x, kind: stolen}]", "public-dataset"),
        ("provenance: 1\nsources: [{id: x}, {id: x}]", "/sources/1/id"),
        ("provenance: 1\nsources: [{id: x, path: ../y}]", "/sources/0/path"),
        ("provenance: 1\nsources: [{id: x, path: /etc}]", "/sources/0/path"),
        ("provenance: 1\nsources: [{id: x, country: Germany}]", "/sources/0/country"),
        ("provenance: 1\nsources: [{id: x, views: {a: secret}}]", "instruction"),
        ("provenance: 1\nsources: [{id: x, sha256: {a: abc}}]", "/sources/0/sha256/a"),
        ("provenance: 1\nsources: [{id: x, acquired: yesterday}]", "/sources/0/acquired"),
        ("provenance: 1\nprovenance: 1\nsources: [{id: x}]", "twice"),
    ],
)
def test_a_broken_native_manifest_says_where_and_what_is_allowed(text, says):
    with pytest.raises(ManifestError) as caught:
        manifests.read("provenance.yaml", text.encode(), "native")
    assert says in str(caught.value)


def test_a_format_without_reader_is_refused():
    with pytest.raises(UnknownFormat):
        manifests.read("x.dvc", b"", "dvc")


def test_a_manifest_too_large_is_refused():
    with pytest.raises(ManifestError):
        manifests.read("README.md", b"a" * (manifests.LARGEST + 1), "readme")


READ = sorted(filter(manifests.is_read, manifests.FORMATS))


@given(st.sampled_from(READ), st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_any_bytes_are_claims_or_a_manifest_error(format_, data):
    try:
        claims = manifests.read("a/x.md", data, format_)
    except ManifestError:
        return
    assert all(claim.value and claim.scope.startswith("a/") for claim in claims)


@given(st.text("-:[]{}&*!|>'\"#% \nabcl", max_size=200))
def test_any_front_matter_is_claims_or_a_manifest_error(front):
    claims, fault = [], ""
    try:
        claims = manifests.read("README.md", f"---\n{front}\n---\n".encode(), "hf-card")
    except ManifestError as cause:
        fault = str(cause)
    assert fault == "" or "README.md" in fault
    assert all(claim.subject and claim.field for claim in claims)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("README.md", "# a\nLicense: MIT\n" * 200_000),
        ("README.md", "License: MIT\n" * 300_000),
        ("README.md", "x " * 2_000_000),
        ("README.md", "[" * 4_000_000),
        ("README.md", "---\nlicense:\n" + "- mit\n" * 60_000 + "---\n"),
        ("LICENSE", MIT * 3000),
        ("LICENSE", "\n" * 4_000_000),
        ("provenance.yaml", "provenance: 1\nsources:\n" + "".join(f"- {{id: s{i}}}\n" for i in range(9000))),
    ],
)
def test_a_hostile_manifest_costs_seconds(path, text):
    begin = time.perf_counter()
    claims = read(path, text)
    assert time.perf_counter() - begin < 20  # measured: under 3 s; a quadratic reader takes minutes
    assert len(claims) < 100_000


def test_there_is_an_example_of_every_format_that_is_read():
    formats = {manifests.recognise(path.name, path.read_bytes()) for path in EXAMPLES.rglob("*") if path.is_file()}
    assert set(READ) <= formats


@pytest.mark.full
@pytest.mark.realdata
def test_every_real_manifest_is_read_or_refused_in_one_sentence(realdata):
    read_, refused = 0, defaultdict(list)
    for base in ("data", "manifests", "lists", "policy"):
        for path in sorted((realdata / base).rglob("*")):
            if not path.is_file():
                continue
            with path.open("rb") as file:
                head = file.read(65536)
            format_ = manifests.recognise(path.relative_to(realdata / base).as_posix(), head)
            if manifests.is_read(format_):
                try:
                    manifests.read(path.name, path.read_bytes(), format_)
                    read_ += 1
                except InputError as error:
                    refused[format_].append(str(error))
    assert read_ > 1000
    assert all("\n" not in sentence for sentences in refused.values() for sentence in sentences)
    assert {format_: len(sentences) for format_, sentences in refused.items()} == {"croissant": 32}


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "instruct/stanford_alpaca/README.md",
            {
                ("code", "Apache-2.0"),
                ("data", "CC-BY-NC-4.0"),
                ("model", "CC-BY-NC-4.0"),
                ("model", "LicenseRef-provenance-research-only"),
                ("any", "LicenseRef-provenance-research-only"),
            },
        ),
        ("instruct/stanford_alpaca/datasheet.md", {("data", "ODC-By-1.0")}),
        (
            "instruct/alpaca_data_cleaned/README.md",
            {("code", "Apache-2.0"), ("data", "CC-BY-NC-4.0"), ("model", "LicenseRef-provenance-research-only")},
        ),
        ("instruct/llama_factory_demo/README.md", {("any", "Apache-2.0")}),
        ("instruct/llama_factory_demo/README_zh.md", {("code", "Apache-2.0")}),
        ("instruct/codealpaca/README.md", {("any", "Apache-2.0")}),
        ("instruct/carbonz0_alpaca_chinese/README.md", set()),
        ("instruct/belle_eval/README.md", {("code", "Apache-2.0"), ("data", "LicenseRef-provenance-noncommercial")}),
        ("text/tinyshakespeare/Readme.md", {("any", "MIT")}),
        ("web/dolma_sample/README.md", {("any", "ODC-By-1.0")}),
        ("benchmarks/mbpp/README.md", {("data", "CC-BY-4.0")}),
    ],
)
def test_licences_of_real_documents(realdata, path, expected):
    data = (realdata / "data" / path).read_bytes()
    claims = manifests.read(path, data, manifests.recognise(path, data))
    assert {(c.subject, normalise(c.value).expression) for c in claims if c.field == "licence"} == expected
