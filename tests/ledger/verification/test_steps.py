"""The list of the steps of verification: it is in order, the document lists the same, and what is printed keeps to it."""

import re
from pathlib import Path

import pytest

from provenance import ledger
from provenance.ledger.verification import verify
from provenance.ledger.verification.state import Scope

SCOPES = {"ledger": Scope.WHOLE, "entry": Scope.ENTRY, "proof": Scope.PROOF}
NUMBERS = {step.name: step.number for step in verify.STEPS}


def listed(number):
    """The scopes in which a step is asked, as the document names them."""
    asked = Scope(0)
    for step in verify.STEPS:
        asked |= step.scopes if step.number == number else Scope(0)
    return [name for name, scope in SCOPES.items() if scope in asked]


def test_steps_are_numbered_in_order():
    numbers = [step.number for step in verify.STEPS]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(1, max(numbers) + 1))
    assert len({(step.number, step.name) for step in verify.STEPS}) == len(set(numbers)) == len(NUMBERS)


@pytest.mark.parametrize("scope", Scope)
def test_a_step_is_asked_once_in_a_scope(scope):
    numbers = [step.number for step in verify.STEPS if scope in step.scopes]
    assert len(numbers) == len(set(numbers))


def test_the_document_lists_the_same_steps():
    text = (Path(ledger.__file__).parent / "VERIFY.md").read_text("utf-8")
    rows = re.findall(r"^\| ([0-9]+) \| `([^`]+)`( \*)? \| ([a-z, ]+) \| [^|]+ \|$", text, re.MULTILINE)
    assert [(int(number), name, scopes.split(", ")) for number, name, _, scopes in rows] == [
        (number, name, listed(number)) for name, number in NUMBERS.items()
    ]
    asked = [
        int(number) for heading in re.findall(r"^## Steps? (.*):", text, re.MULTILINE) for number in spread(heading)
    ]
    assert sorted(asked) == [int(number) for number, _, star, _ in rows if star]


def spread(heading):
    """The numbers that a heading names: `1 and 11`, `5 to 7`, `9`."""
    first, *last = re.findall(r"[0-9]+", heading)
    return range(int(first), int(last[0]) + 1) if " to " in heading else [int(first), *map(int, last)]


@pytest.mark.parametrize("what", ["ledger", "entry", "path.proof.json", "carried.proof.json", "answer.json"])
def test_what_is_printed_keeps_to_the_list(packed, home, what):
    path, entry = (packed / "ledger", 6 if what == "entry" else None) if "." not in what else (packed / what, None)
    found = ledger.verify(path, trust=packed / "pieces.yaml", entry=entry)
    assert found.exit_code == 0, found.lines()
    printed = [NUMBERS[step.name] for step in found.steps]
    assert printed == sorted(printed)
    scope = Scope.PROOF if "." in what else SCOPES[what]
    assert set(printed) <= {step.number for step in verify.STEPS if scope in step.scopes}
