"""What verification prints: each thing once, however many entries it is true of."""

from provenance.ledger.verification.results import OK, Step, Verification


def test_equal_steps_are_one_line_that_names_the_entries():
    steps = (
        Step("reports", "not checked", "entry 0: written by another build"),
        Step("trees", "failed", "entry 2: the table findings: no root"),
        Step("reports", "not checked", "entry 1: written by another build"),
        Step("objects", "failed", "the same"),
        Step("objects", "failed", "the same"),
        Step("reports", "ok", "entry 1: written by another build"),
    )
    found = Verification(OK, steps)
    assert found.lines()[1:] == [
        "not checked: reports: entries 0, 1: written by another build",
        "FAILED: trees: entry 2: the table findings: no root",
        "FAILED: objects: the same",
        "ok: reports: entry 1: written by another build",
    ]
    assert len(found.as_json()["steps"]) == len(steps)


def test_many_entries_are_named_in_part():
    steps = tuple(Step("claimed times", "failed", f"entry {at}: it is later") for at in range(9))
    assert Verification(OK, steps).lines()[1:] == [
        "FAILED: claimed times: entries 0, 1, 2, 3, 4 and 4 more: it is later"
    ]
