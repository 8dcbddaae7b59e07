"""`provenance index` and `scan --reference` on the command line."""

from __future__ import annotations

import pytest

from provenance.cli import run

CARD = "---\nlicense: cc0-1.0\n---\n# Card\n\nWritten by us for this test.\n"
BOOK = "\n\n".join(
    f"chapter {k} in which the keeper of lighthouse {k} lights {k + 3} lamps and sleeps" for k in range(9)
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data" / "set").mkdir(parents=True)
    (tmp_path / "data" / "set" / "README.md").write_text(CARD)
    (tmp_path / "data" / "set" / "x.txt").write_text(BOOK)
    (tmp_path / "novel.txt").write_text(BOOK)
    return tmp_path


def index(folder, *options):
    return run(["index", "build", str(folder / "novel.txt"), "-o", str(folder / "works.index"), *options])


def scan(folder, *options):
    return run(
        [
            "scan",
            str(folder / "data"),
            "--ledger",
            str(folder / "ledger"),
            "--reference",
            str(folder / "works.index"),
            *options,
        ]
    )


def test_build_show_and_scan(folder, capfd):
    assert index(folder, "--kind", "protected", "--title", "our novels") == 0
    said = capfd.readouterr().out
    assert "works.index: 1 item, " in said
    assert f"Its new key: {folder / 'works.key'}; let it travel another way than the index" in said
    assert run(["index", "show", str(folder / "works.index")]) == 0
    shown = dict(line.split(None, 1) for line in capfd.readouterr().out.splitlines())
    assert (shown["title"], shown["kind"], shown["format"]) == ("our novels", "protected", "provenance-index/v1")
    assert scan(folder) == 1
    assert "protected-work-contained  set" in capfd.readouterr().out


def test_a_benchmark_says_no_key(folder, capfd):
    assert index(folder, "--kind", "benchmark", "--per-record") == 0
    assert "Its" not in capfd.readouterr().out
    assert run(["index", "show", str(folder / "works.index")]) == 0
    assert "the published one, which hides nothing" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda f: (f / "works.key").unlink(), "was made with a key that is not here"),
        (lambda f: (f / "works.key").write_text("ab" * 16), "works.key has"),
        (lambda f: (f / "works.key").write_text("secret"), "holds no key"),
        (lambda f: (f / "works.index").write_bytes((f / "works.index").read_bytes()[:-9]), "no whole Parquet file"),
        (lambda f: (f / "works.index").unlink(), "cannot be read"),
    ],
)
def test_an_index_that_cannot_be_used_ends_the_scan_before_it_begins(folder, capfd, spoil, sentence):
    index(folder, "--kind", "protected")
    spoil(folder)
    capfd.readouterr()
    assert scan(folder) == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert sentence in said.err
    assert len(said.err.splitlines()) == 1
    assert not (folder / "ledger").exists()


def test_a_key_may_lie_elsewhere(folder, monkeypatch):
    index(folder, "--kind", "protected")
    (folder / "works.key").rename(folder / "kept.key")
    monkeypatch.setenv("PROVENANCE_INDEX_KEY_FILE", str(folder / "kept.key"))
    assert scan(folder) == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--kind", "secret"], "secret"),
        ([], "--kind"),
        (["--kind", "benchmark", "--column", "question"], "write NAME=ROLE"),
        (["--kind", "benchmark", "--key", "/no/such/key"], "cannot be read"),
        (["--kind", "benchmark", "--scale", "3"], "shingles are kept in full"),
    ],
)
def test_what_makes_no_sense_is_said(folder, capfd, options, sentence):
    assert index(folder, *options) == 2
    assert sentence in capfd.readouterr().err
