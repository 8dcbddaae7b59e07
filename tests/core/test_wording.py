"""Numbers in sentences: one is one, and everything else is several."""

import ast
import re
from pathlib import Path

import pytest

from provenance.core.wording import choose_verb, count_noun, list_files, list_first

PACKAGE = Path(__file__).parents[2] / "provenance"


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [
        (0, "file", "0 files"),
        (1, "file", "1 file"),
        (2, "file", "2 files"),
        (1_000, "entry", "1,000 entries"),
        (1, "entry", "1 entry"),
        (2, "day", "2 days"),
        (2, "key", "2 keys"),
        (1, "match", "1 match"),
        (2, "match", "2 matches"),
        (2, "hash", "2 hashes"),
        (2, "whole file", "2 whole files"),
    ],
)
def test_a_number_and_its_noun_agree(number, noun, said):
    assert count_noun(number, noun) == said


def test_a_verb_agrees():
    assert [choose_verb(number) for number in (0, 1, 2)] == ["are", "is", "are"]
    assert [choose_verb(number, "has", "have") for number in (1, 2)] == ["has", "have"]


def test_lists_end_in_a_count():
    assert list_first(["a"]) == "a"
    assert list_first(list("abcde")) == "a, b, c and 2 more"
    assert list_files(["a"]) == "1 file (a)"


NOUNS = (
    "authorities|characters|checkpoints|claims|columns|cosignatures|days|digits|documents|elements|entries|files|"
    "findings|folders|hashes|items|keys|links|lines|members|pairs|passages|paths|records|requirements|rows|"
    "scans|sentences|sets|signatures|sources|tables|texts|timestamps|trees|views|witnesses"
)
_PLURAL = re.compile(rf"^ (?:(?:more|whole|data|traditional|further|leaf|new|other) )?(?:{NOUNS})\b")
_TOTAL = re.compile(r"\b(of|the|its|their|than|to|beyond|least|most|these|only|those) $|[0-9]$")


def _bare_plurals(tree):
    """Numbers put before a plural by hand: one of them would read `1 files`. A total ("2 of 3 files") may be so."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            before = ""
            for value, after in zip(node.values, [*node.values[1:], None], strict=True):
                text = after.value if isinstance(after, ast.Constant) else ""
                if isinstance(value, ast.FormattedValue) and _PLURAL.match(text) and not _TOTAL.search(before):
                    yield ast.unparse(value), text
                before = value.value if isinstance(value, ast.Constant) else ""


def test_the_search_finds_what_it_looks_for():
    tree = ast.parse('f"{n:,} files are"; f"{n} of {m} files"; f"{n} whole files"; f"{count_noun(n, \'file\')} are"')
    assert len(list(_bare_plurals(tree))) == 2


ALWAYS_SEVERAL = {
    ("checks/identical_files.py", "{len(rows)}"),
    ("ledger/format/finding_fingerprints.py", "{len(matching)}"),
    ("ledger/log/entry_cosignatures.py", "{len(SIGNERS)}"),
    ("ledger/proofs/challenges.py", "{records}"),  # an answer holds this sentence for ever, byte for byte
    ("ledger/proofs/challenges.py", "{answered - records}"),
    ("ledger/verification/log_steps.py", "{len(kept):,}"),  # one has a sentence of its own
    ("pipeline/coverage.py", "{folded:,}"),
    ("pipeline/coverage.py", "{boilerplate.COMMON_FROM}"),
    ("pipeline/reading/read_pass.py", "{kind}"),  # no number
    ("reports/html/overlap_matrix.py", "{len(order)}"),
}
"""File and what is counted there, of which there are never fewer than two."""


def test_no_sentence_counts_one_as_several():
    found = {
        (path.relative_to(PACKAGE).as_posix(), value)
        for path in PACKAGE.rglob("*.py")
        for value, _ in _bare_plurals(ast.parse(path.read_text("utf-8")))
    }
    assert found == ALWAYS_SEVERAL
