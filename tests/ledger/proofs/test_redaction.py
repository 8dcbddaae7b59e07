"""Ledgers of which a source, a file or a table is withheld: nothing names it, and all that stays is proven."""

import io
import json
import os
import re
import shutil
import tarfile

import pytest

import provenance as pv
from provenance import ledger
from provenance.attestations import actions
from provenance.cli import run
from provenance.errors import ConfigError, InputError
from provenance.ledger.exports import ExportRequest, write
from provenance.ledger.proofs import redaction

LINES = "redacted/00000000/files.jsonl"


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    """A ledger of one scan of three sources; two of them share texts."""
    root = tmp_path_factory.mktemp("redaction")
    texts = [" ".join(f"w{k}x{n}" for n in range(12)) for k in range(40)]
    for name, licence, rows in (("secret-letters", "cc-by-nc-4.0", texts[:30]), ("open", "mit", texts[20:]), ("other", "mit", ["no one else's"])):  # fmt: skip
        (root / "corpus" / name / "part").mkdir(parents=True)
        (root / "corpus" / name / "README.md").write_text(f"---\nlicense: {licence}\n---\n# A set\n")
        (root / "corpus" / name / "part" / f"x-{name[:3]}.jsonl").write_text("".join(json.dumps({"text": row}) + "\n" for row in rows))  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROVENANCE_CONFIG", str(root / "home"))
        pv.scan(root / "corpus", root / "ledger", workers=1)
    return root


@pytest.fixture
def handed_on(scanned, tmp_path, monkeypatch):
    """Withhold something, and unpack what is left where its reader has it."""
    monkeypatch.setenv("PROVENANCE_CONFIG", str(scanned / "home"))

    def make(*withhold):
        write(scanned / "ledger", tmp_path / "left.tar", "tar", ExportRequest(withhold=withhold))
        shutil.rmtree(tmp_path / "left", ignore_errors=True)
        with tarfile.open(fileobj=io.BytesIO((tmp_path / "left.tar").read_bytes())) as tar:
            tar.extractall(tmp_path / "left", filter="data")
        return tmp_path / "left"

    return make


def everything(folder):
    return b"\n".join(path.name.encode() + path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def step(found, name):
    return next(item for item in found.steps if item.name == name)


@pytest.mark.parametrize(
    ("withhold", "gone", "stays"),
    [
        ("source=secret-letters", (b"secret-letters", b"x-sec.jsonl"), (b"open/part/x-ope.jsonl", b"x-oth.jsonl")),
        ("file=secret-letters/part/x-sec.jsonl", (b"x-sec.jsonl",), (b"secret-letters/README.md", b"x-ope.jsonl")),
        ("table=files", (b'"bytes_consumed":',), (b'"source":"open"',)),
        ("table=sources", (b'"evidence":',), (b"open/part/x-ope.jsonl",)),
    ],
)
def test_nothing_names_what_is_withheld_and_the_rest_is_proven(handed_on, withhold, gone, stays):
    left = handed_on(withhold)
    held = everything(left)
    assert [name for name in gone if name in held] == []
    if not withhold.startswith("table="):  # Parquet hides its texts from a search
        assert [name for name in stays if name not in held] == []
    found = ledger.verify(left, strict=True)
    assert found.exit_code == 5, found.lines()
    assert [item.name for item in found.steps if item.status == "failed"] == ["objects"]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A ledger whose paths need quotes, escapes or have blanks; all of its records were drawn."""
    root = tmp_path_factory.mktemp("drawn")
    folder = root / "corpus" / "a folder"
    folder.mkdir(parents=True)
    (folder / "provenance.yaml").write_text("provenance: 1\nsources:\n- {id: hidden-set, kind: user}\n")
    for name in (*AWKWARD, "plain.jsonl"):
        (folder / os.fsencode(name).decode("utf-8", "surrogateescape")).write_text('{"text": "' + name[:1] * 9 + '"}\n')
    (root / "corpus" / "open").mkdir()
    (root / "corpus" / "open" / "x.jsonl").write_text('{"text": "a text that anybody may see"}\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROVENANCE_CONFIG", str(root / "home"))
        pv.scan(root / "corpus", root / "ledger", workers=1)
        actions.sample(root / "ledger", 100, "look")
    return root


AWKWARD = ("two words.jsonl", 'a "quoted" one.jsonl', "it's.jsonl", "b\udcff.jsonl", "(x), y; z: .jsonl", "---.jsonl")


@pytest.mark.parametrize("withhold", ["source=hidden-set", "file=a folder/b\\xff.jsonl", 'file=a folder/a "quoted" one.jsonl', "file=a folder/it's.jsonl"])  # fmt: skip
def test_no_document_names_it_in_another_spelling(drawn, tmp_path, monkeypatch, withhold):
    monkeypatch.setenv("PROVENANCE_CONFIG", str(drawn / "home"))
    write(drawn / "ledger", tmp_path / "left.tar", "tar", ExportRequest(withhold=(withhold,)))
    with tarfile.open(tmp_path / "left.tar") as tar:
        tar.extractall(tmp_path / "left", filter="data")
    kind, _, name = withhold.partition("=")
    whole = everything(drawn / "ledger")
    spelt = [b"a folder/"] if kind == "source" else [name.encode(), json.dumps(name, ensure_ascii=False)[1:-1].encode()]
    assert [each for each in spelt if each in whole]
    assert [each for each in spelt if each in everything(tmp_path / "left")] == []
    assert b"open/x.jsonl" in everything(tmp_path / "left")
    assert ledger.verify(tmp_path / "left", strict=True).exit_code == 5


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a b/x y.jsonl", True),
        ("2 rows of a b/x y.jsonl fail", True),
        ("see [a b/x y.jsonl], `b.jsonl`", True),
        ("path=b.jsonl; b.jsonl!/part.txt", True),
        ("It is b.jsonl.", True),
        ("...---...", True),
        ("x y.jsonl a b", False),
        ("c/b.jsonl b.jsonl.gz sub-b.jsonl b.jsonl/c", False),
    ],
)
def test_a_path_is_found_wherever_it_stands(text, named):
    names = redaction.Names(paths=frozenset({"a b/x y.jsonl", "b.jsonl", "---"}))
    assert names.stand_in([{"message": text}]) == named


def test_what_people_say_of_it_is_withheld_or_refused(drawn, tmp_path, monkeypatch):
    """A waiver's reason is signed in the entry itself."""
    monkeypatch.setenv("PROVENANCE_CONFIG", str(drawn / "home"))
    folder = shutil.copytree(drawn / "ledger", tmp_path / "ledger", symlinks=True)
    mark = pv.open_ledger(folder).findings.fingerprint.iloc[0]
    actions.waive(folder, mark, reason="[a folder/plain.jsonl] is ours", approver="A. B.", expires="2030-01-31")
    with pytest.raises(ConfigError, match="cannot be taken back"):
        write(folder, tmp_path / "left.tar", "tar", ExportRequest(withhold=("source=hidden-set",)))


def test_nothing_is_drawn_from_what_is_withheld(handed_on):
    with pytest.raises(InputError, match="is withheld, so nothing can be drawn; ask whoever holds"):
        actions.sample(handed_on("source=secret-letters"), 3, "look")


def test_every_line_is_there_or_its_leaf_hash(scanned, handed_on):
    left = handed_on("source=secret-letters")
    said = ledger.read_entry(left, 0)["predicate"]["tables"]["files"]
    whole = (scanned / "ledger" / said["lines"]).read_bytes().splitlines()
    shown = (left / LINES).read_bytes().splitlines()
    assert len(shown) == len(whole) == said["rows"]
    for line, was in zip(shown, whole, strict=True):
        assert (line == was) == (b"secret-letters" not in was)
        assert line == was or line.startswith(b'{"withheld":"')
    detail = step(ledger.verify(left), "redacted").detail
    assert detail.endswith(" are withheld")


@pytest.mark.parametrize(
    "harm",
    [
        lambda lines: [lines[0].replace(b'"records":0', b'"records":1'), *lines[1:]],
        lambda lines: lines[1:],
        lambda lines: lines[:-1],
        lambda lines: [lines[1], lines[0], *lines[2:]],
        lambda lines: [*lines, lines[0]],
        lambda lines: [*lines[:-1], b'{"withheld":"' + b"0" * 64 + b'"}'],
        lambda lines: [*lines[:-1], lines[-1].replace(b'{"withheld":"', b'{"withheld": "')],
        lambda _: [b"\xff\x00", b"{"],
        lambda _: [],
    ],
)
def test_what_is_shown_cannot_be_changed(handed_on, harm):
    left = handed_on("source=secret-letters")
    lines = (left / LINES).read_bytes().splitlines()
    assert b'"records":0' in lines[0]
    assert lines[-1].startswith(b'{"withheld"')
    (left / LINES).write_bytes(b"".join(line + b"\n" for line in harm(lines)))
    found = ledger.verify(left)
    assert (found.exit_code, step(found, "redacted").status) == (1, "failed")


def test_a_line_without_its_end_is_refused(handed_on):
    left = handed_on("source=secret-letters")
    (left / LINES).write_bytes((left / LINES).read_bytes()[:-1])
    assert ledger.verify(left).exit_code == 1


def test_a_stranger_among_them_is_named(handed_on):
    left = handed_on("source=secret-letters")
    (left / "redacted/00000000/claims.jsonl").write_bytes(b"{}\n")
    (left / "redacted/00000009").mkdir()
    (left / "redacted/00000009/files.jsonl").write_bytes(b"{}\n")
    assert ledger.verify(left).unbound == ("redacted/00000000/claims.jsonl", "redacted/00000009/files.jsonl")


def test_who_was_handed_it_can_hand_it_on(handed_on, tmp_path):
    left = handed_on("source=secret-letters")
    write(left, tmp_path / "on.tar", "tar", ExportRequest())
    assert (tmp_path / "on.tar").read_bytes() == (tmp_path / "left.tar").read_bytes()


def test_the_same_is_withheld_by_the_same_bytes(handed_on, tmp_path):
    handed_on("source=secret-letters", "table=coverage")
    first = (tmp_path / "left.tar").read_bytes()
    handed_on("table=coverage", "source=secret-letters")
    assert (tmp_path / "left.tar").read_bytes() == first


@pytest.mark.parametrize(
    "command",
    ["show L", "report L --format text -o -", "explain 00000000 --ledger L", "diff L L", "export removal-list L -o list.jsonl", "guard D --ledger L"],
)  # fmt: skip
def test_commands_that_need_what_is_withheld_say_whom_to_ask(scanned, handed_on, command, capfd, monkeypatch):
    places = {"L": str(handed_on("source=secret-letters")), "D": str(scanned / "corpus")}
    monkeypatch.chdir(scanned)
    assert run([places.get(word, word) for word in command.split()]) in {1, 4}
    said = capfd.readouterr()
    assert re.search(
        r"scans/00000000/\w+\.parquet is withheld; ask whoever holds the whole ledger\n", said.out + said.err
    )


@pytest.mark.parametrize(
    ("withhold", "told"),
    [
        ("source=nobody", "there is no source 'nobody'"),
        ("table=nothing", "there is no table 'nothing'"),
        ("records=7", "no entry binds records=7"),
        ("file=not/there.jsonl", "there is no file 'not/there.jsonl' in any scan"),
        ("file=corpus", "entry 0 itself names what is to be withheld"),  # the name of the data
    ],
)
def test_what_cannot_be_withheld_is_told(handed_on, withhold, told):
    with pytest.raises(ConfigError, match=told):
        handed_on(withhold)
