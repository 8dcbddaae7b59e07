"""One sentence of each kind of act, and what a row of draws amounts to."""

import pytest

from provenance.ledger.log import entry_summaries

AUTHOR, TOOL = {"name": "A. Author", "role": "counsel"}, {"name": "pack", "version": "2.1"}
ACTS = {
    "waiver": (
        {
            "approver": "A. Author", "expires": "2027-01-01", "finding": {"check": "licence-missing", "source": "a"},
        },
        "A. Author accepts licence-missing of a until 2027-01-01",
    ),
    "draw": (
        {"drawn": 1000, "frame": {"records": 20000}, "scan": {"entry": 3}, "purpose": "quality", "number": 1},
        "1,000 of 20,000 records of entry 3 were drawn for 'quality' (draw 2 for it)",
    ),
    "review": (
        {
            "by": AUTHOR, "draw": {"entry": 4}, "share": {"passed": 0.9, "low": 0.8, "high": 0.95},
            "counts": {"passed": 90, "drawn": 100, "failed": 7, "unreadable": 2, "unanswered": 1},
        },
        "A. Author (counsel) on draw 4: 90 of 100 passed (90.00%; of the whole between 80.00% and 95.00%, at 95 %), 7 failed, 2 unreadable, 1 without an answer",
    ),
    "decision": (
        {"by": AUTHOR, "about": {"source": "a"}, "decision": "exclude", "date": "2026-01-31"},
        "A. Author (counsel) decided to exclude a, 2026-01-31",
    ),
    "filter-run": (
        {"tool": TOOL, "inputs": [{"entry": 3}, {"name": "other"}], "counts": {"in": 2000, "out": 1500}},
        "pack 2.1 filtered entry 3, other: 2,000 records, 1,500 left",
    ),
    "derivation": (
        {"tool": TOOL, "inputs": [{"entry": n} for n in range(7)], "outputs": {"files": 1200}},
        "pack 2.1 made 1,200 files of entry 0, entry 1, entry 2, entry 3, entry 4 and 2 more",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", ACTS)
def test_an_act_in_one_sentence(kind):
    predicate, sentence = ACTS[kind]
    assert entry_summaries.summarise(5, {"kind": kind, **predicate}) == f"entry 5: {sentence}"


def test_every_kind_has_its_sentence():
    assert set(ACTS) == set(entry_summaries.KINDS) == set(entry_summaries._SUMMARIES)


def test_a_decision_on_a_finding_names_the_finding():
    about = {"about": {"fingerprint": "ab", "source": "a"}}
    assert "decided to exclude finding ab" in entry_summaries.summarise(
        1, ACTS["decision"][0] | about | {"kind": "decision"}
    )
