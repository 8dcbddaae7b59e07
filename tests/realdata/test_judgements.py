"""Every error and warning of the real data was read by somebody, and none is false."""

import importlib.util
from pathlib import Path

import pytest

pytestmark = [pytest.mark.realdata, pytest.mark.full]

TOOL = Path(__file__).parents[2] / "tools" / "judge_realdata.py"


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("judge_realdata", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tables(tool, realdata):
    return tool.scan(realdata)


def test_no_error_or_warning_is_unjudged_or_false(tool, tables):
    grave, judged = tool.list_grave(tables), tool.read_judgements()
    assert [tool.describe(grave[mark]) for mark in tool.find_unjudged(grave, judged)] == []
    assert [mark for mark in grave if judged[mark]["judgement"] == "false"] == []


def test_a_judgement_says_why_and_names_nobody(tool):
    rows = tool.read_judgements().values()
    assert {row["judgement"] for row in rows} <= {"true", "misleading"}
    assert all(row["why"] for row in rows)
    assert {row["read_by"] for row in rows} == {"maintainers"}


def test_records_that_the_truth_pairs_are_found(tool, tables, realdata):
    """By the truth's own shingles; ours differ at the edges, so that a hundredth may."""
    compared = {name: sides for name, sides, reason in tool.measure_recall(realdata, tables) if reason is None}
    assert len(compared) >= 10
    for name, sides in compared.items():
        for wanted, found, _ in sides:
            assert found >= 0.99 * wanted, name


def test_expected_findings_hold(tool, tables):
    found = tool.Found(tables)
    assert [name for name, (_, test) in tool.EXPECTED.items() if test is not None and not test(found)] == []
