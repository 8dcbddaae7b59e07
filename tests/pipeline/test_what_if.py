"""What if a source were left out: the same as scanning without it, but for what its text had said of others."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import provenance as pv
from provenance import checks
from provenance.errors import ConfigError

DATA = Path(__file__).parents[2] / "manifests/demo/data"
STRICT, COPIES = "harbour-questions", {"seaside-assistant", "quay-answers"}


@pytest.fixture(scope="module")
def audit():
    return pv.scan(DATA, workers=1)


def rows(frame, *leave):
    """Rows as a set, whatever their order."""
    kept = frame[[name for name in frame.columns if name not in leave]]
    return {tuple(map(str, row)) for row in kept.itertuples(index=False)}


def rescanned(folder, audit, dropped):
    """The oracle: the same folder, without the files of the source, scanned anew."""
    target = folder / "data"
    shutil.copytree(DATA, target)
    files = audit.files
    for path in files[files["source"] == dropped]["path"]:
        if "!/" not in path:
            (target / path).unlink()
    return pv.scan(target, workers=1)


@pytest.mark.parametrize("dropped", [STRICT, "seaside-assistant", "town-letters", "undeclared:scraped/2026-01"])
def test_it_says_what_a_scan_without_the_source_says(dropped, tmp_path, audit):
    left, again = audit.without(dropped), rescanned(tmp_path, audit, dropped)
    tainted = left.findings["other"] == dropped
    assert rows(left.findings[~tainted]) == rows(again.findings)
    for name in ("sources", "files", "claims", "matches", "overlaps", "observations"):
        assert rows(getattr(left, name)) == rows(getattr(again, name)), name
    if not tainted.any():
        assert rows(left.verdicts) == rows(again.verdicts)


def test_a_copy_is_not_cleaned_by_dropping_its_twin(audit):
    left = audit.without(STRICT)
    tainted = left.findings[left.findings["check"] == "licence-conflict-by-content"]
    assert set(tainted["source"]) == COPIES
    before = audit.findings.set_index("fingerprint")
    for row in tainted.itertuples():
        was = before.loc[row.fingerprint]
        assert (row.severity, row.records, row.value, row.clause) == (was.severity, was.records, was.value, was.clause)
        assert row.message == f"{was.message} {STRICT} is left out here; its text still stands in {row.source}."
    verdict = left.verdicts[left.verdicts["title"].str.contains("No source grants")]
    assert verdict["findings"].tolist() == [2]


def test_dropping_the_copies_too_leaves_no_conflict(audit):
    left = audit.without(STRICT, *COPIES)
    assert "licence-conflict-by-content" not in set(left.findings["check"])
    assert len(left.findings) == len(audit.findings[~audit.findings["source"].isin({STRICT, *COPIES})])


def test_what_is_waived_stays_waived(tmp_path, audit):
    mark = audit.findings.set_index("source").loc["kitchen-notes"]
    mark = mark["fingerprint"] if isinstance(mark["fingerprint"], str) else mark["fingerprint"].iloc[0]
    (tmp_path / "waivers.yaml").write_text(
        f"waivers:\n- {{fingerprint: {mark}, reason: asked the author, approver: the owner, expires: 2999-01-01}}\n",
        encoding="utf-8",
    )
    waived = pv.scan(DATA, workers=1, waivers=tmp_path / "waivers.yaml").without(STRICT)
    assert waived.findings.dropna(subset="waived")["fingerprint"].tolist() == [mark]
    assert waived.facts["counts"]["waived"] == 1


def test_it_says_that_nothing_was_read_again(audit):
    left = audit.without(STRICT)
    assert left.facts["kind"] == "what-if"
    assert left.coverage.iloc[0]["reason"] == f"what-if: nothing was read again; left out: {STRICT}"
    assert left.entry is None
    assert left.facts["counts"]["sources"] == len(audit.sources) - 1
    steps = audit.coverage[~audit.coverage["check"].isin([*checks.CHECKS, "minimums"])]
    assert set(steps["check"]) <= set(left.coverage["check"])
    assert audit.facts["kind"] == "draft"


@pytest.mark.parametrize(
    ("dropped", "said"),
    [
        (["harbor-questions"], "no source 'harbor-questions' in this audit; did you mean 'harbour-questions'"),
        (["xyz"], "no source 'xyz' in this audit$"),
    ],
)
def test_what_cannot_be_left_out_is_a_sentence(dropped, said, audit):
    with pytest.raises(ConfigError, match=said):
        audit.without(*dropped)


def test_not_all_and_not_twice(audit):
    with pytest.raises(ConfigError, match="nothing is left"):
        audit.without(*audit.sources["source"])
    with pytest.raises(ConfigError, match="name all of them at once"):
        audit.without(STRICT).without("tea-house")


def test_what_speaks_for_others_stays(tmp_path):
    """A licence above two sources stays when one goes; an entry of a manifest goes with its source."""
    line = '{"text": "the quick brown fox jumps over the lazy dog every single morning of the year"}\n'
    layout = {
        "provenance.yaml": "provenance: 1\nsources:\n- {id: one, files: [a/x.jsonl], licence: MIT}\n- {id: two, files: [b/y.jsonl]}\n",
        "a/LICENSE": "SPDX-License-Identifier: MIT\n",
        "a/x.jsonl": line,
        "a/deep/README.md": "---\ntags: [x]\n---\n# Deep\n",
        "a/deep/z.jsonl": line.replace("fox", "cat and mouse and"),
        "b/y.jsonl": line.replace("dog", "hill and far away"),
    }
    for name, text in layout.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    audit = pv.scan(tmp_path, workers=1)
    left = audit.without("one")
    assert set(left.claims["manifest"]) == {"provenance.yaml", "a/LICENSE", "a/deep/README.md"}
    assert not left.claims["pointer"].str.startswith("/sources/0").any()
    assert "file-declared-absent" not in set(left.findings["check"]), "what is left out is not lost"
    assert {"a/x.jsonl"} == set(audit.files["path"]) - set(left.files["path"])


def test_taints_are_checks():
    staying = {check.name for check in checks.CHECKS.values() if check.survives_removal}
    assert staying == {"licence-conflict-by-content", "twin-unlicensed"}
