"""Precision and recall of personal data on 867 strings of real data, which were labelled by reading them in their place.

`personal-data-labels.csv` holds no text: a string is found again by its file, its row or line, and its SHA-256. `personal`
is a person's address or number, `office` that of an organisation, a list or a machine, `example` one that stands for
nobody, `none` something else that looks like one: sums, dates, passwords. Half of them, those of an even digest, were
looked at while the rules were written; the other half was labelled after that, and no rule was changed for it.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from provenance.detectors.personal_data import find_values
from provenance.readers import records

LABELS = Path(__file__).with_name("personal-data-labels.csv")
STRING = re.compile(r"[^\s@<>\"'()\[\]{},;]+@[^\s@<>\"'()\[\]{},;]+|(?<![\w])[+(]?\d[\d ()./\-]{5,22}\d|\+\d[\d.]{6,}")
"""What was drawn from: whatever holds an @, and runs of digits."""
LANGUAGES = {"en", "zh", "de"}


def read_labels():
    with LABELS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def is_untouched(label):
    return int(label["sha256"][-1], 16) % 2 == 1


def test_the_labels_are_digests_of_both_halves_and_three_languages():
    labels = read_labels()
    assert len({label["sha256"] for label in labels}) == len(labels) == 867
    assert all(re.fullmatch("[0-9a-f]{64}", label["sha256"]) for label in labels)
    assert {label["label"] for label in labels} == {"personal", "office", "example", "none"}
    assert {label["language"] for label in labels} == LANGUAGES
    assert 400 < sum(map(is_untouched, labels)) < 468


def read_texts(root, path, place, numbers):
    """Yield number and text of rows or lines of a file, or of a member of an archive."""
    if place == "line":
        lines = (root / path).read_bytes().split(b"\n")
        yield from ((number, lines[number].decode()) for number in numbers)
        return
    outer = path.partition("!/")[0]
    for item in records.read(str(root / outer), outer):
        if isinstance(item, records.Batch) and item.path == path:
            for row in item.table.to_pylist():
                if row["row"] in numbers:
                    yield from ((row["row"], row[column]) for column in ("whole", "aside") if row[column])


def judge(text):
    """Yield every string of a text with the states of what the detector finds in it."""
    values = list(find_values(text.encode()))
    for found in STRING.finditer(text):
        start, end = (len(text[:at].encode()) for at in found.span())
        states = {value.state for value in values if value.start < end and value.end > start}
        yield hashlib.sha256(found[0].encode()).hexdigest(), states


@pytest.fixture(scope="module")
def judged(realdata):
    wanted = defaultdict(lambda: defaultdict(list))
    for label in read_labels():
        wanted[label["path"], label["place"]][int(label["number"])].append(label)
    result = []
    for (path, place), by_number in wanted.items():
        found = {}
        for number, text in read_texts(realdata, path, place, set(by_number)):
            for digest, states in judge(text):
                found.setdefault((number, digest), states)
        for number, labels in by_number.items():
            result += [(label, found[number, label["sha256"]]) for label in labels]
    return result


def measure(judged):
    """Return precision and recall of the state `personal`, and precision where offices count as right."""
    counts = Counter((label["label"], "personal" in states) for label, states in judged)
    flagged = sum(count for (_, is_flagged), count in counts.items() if is_flagged)
    right, personal = counts["personal", True], counts["personal", True] + counts["personal", False]
    return right / flagged, (right + counts["office", True]) / flagged, right / personal


@pytest.mark.realdata
@pytest.mark.parametrize("untouched", [False, True])
def test_precision_and_recall(judged, untouched):
    half = [each for each in judged if is_untouched(each[0]) == untouched]
    strict, mild, recall = measure(half)
    name = "untouched" if untouched else "touched"
    print(f"\n{name} half: precision {strict:.3f}, {mild:.3f} with offices; recall {recall:.3f}")
    assert recall >= 0.99
    assert mild >= 0.91
    assert strict >= 0.75


@pytest.mark.realdata
@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_by_language(judged, language):
    part = [each for each in judged if each[0]["language"] == language]
    wrong = [label["sha256"][:8] for label, states in part if label["label"] == "none" and "personal" in states]
    missed = [
        label["sha256"][:8] for label, states in part if label["label"] == "personal" and "personal" not in states
    ]
    counts = Counter((label["label"], "personal" in states) for label, states in part)
    print(f"\n{language}: {dict(sorted(counts.items()))}, wrong {wrong}, missed {missed}")
    assert len(missed) <= 0.03 * len(part)
    assert len(wrong) <= 0.03 * len(part)
