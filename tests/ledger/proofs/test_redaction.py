"""Ledgers of which a source, a file or a table is withheld: nothing names it, and all that stays is proven."""

import io
import json
import re
import shutil
import tarfile

import pytest

import provenance as pv
from provenance import ledger
from provenance.cli import run
from provenance.errors import ConfigError
from provenance.ledger.exports import ExportRequest, write

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
