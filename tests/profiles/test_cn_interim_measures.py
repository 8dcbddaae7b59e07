"""The profile of the Interim Measures: every clause with its mark, in two languages, and nothing that it cannot know."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from provenance import profiles

PROFILE = profiles.load("cn-interim-measures")
HELD = yaml.safe_load(Path(profiles.__file__).with_name("cn_interim_measures.yaml").read_bytes())
QUESTIONS = list(profiles.questions(PROFILE))
CHINESE = re.compile(r"[\u4e00-\u9fff]")

# id -> clause, its Chinese reference, modality, how the text was read (the marks of the survey of sources: R primary,
# S secondary, U unconfirmed; items of Article 4 were not confirmed), who answers
CLAUSES = {
    "art-2": ("Article 2(1) and 2(3)", "第二条第一款、第三款", "practice", "primary", "declaration"),
    "art-4-2": ("Article 4(2)", "第四条第二项", "shall", "unconfirmed", "declaration document"),
    "art-4-3": ("Article 4(3)", "第四条第三项", "shall", "unconfirmed", "declaration"),
    "art-7-1": ("Article 7(1)", "第七条第一项", "shall", "primary", "machine declaration document"),
    "art-7-2": ("Article 7(2)", "第七条第二项", "shall", "primary", "machine declaration"),
    "art-7-3": ("Article 7(3)", "第七条第三项", "shall", "primary", "machine declaration document"),
    "art-7-4": ("Article 7(4)", "第七条第四项", "shall", "primary", "machine declaration document"),
    "art-7-5": ("Article 7(5)", "第七条第五项", "shall", "primary", "declaration"),
    "art-8": ("Article 8", "第八条", "shall", "unconfirmed", "document"),
    "art-17": ("Article 17", "第十七条", "shall", "primary", "declaration document"),
    "art-19": ("Article 19", "第十九条", "shall", "unconfirmed", "machine document"),
}


def test_the_clauses_are_these_in_the_order_of_the_text():
    assert [each["id"] for each in PROFILE.requirements] == list(CLAUSES)


@pytest.mark.parametrize("requirement", PROFILE.requirements, ids=lambda each: each["id"])
def test_clause_mark_and_who_answers(requirement):
    clause, clause_zh, modality, text, by = CLAUSES[requirement["id"]]
    found = [requirement[name] for name in ("clause", "clause_zh", "modality", "text")]
    assert found == [clause, clause_zh, modality, text]
    assert {element["by"] for element in requirement["elements"]} == set(by.split())


@pytest.mark.parametrize("requirement", PROFILE.requirements, ids=lambda each: each["id"])
def test_every_word_for_people_stands_in_both_languages(requirement):
    said = [(requirement, name) for name in ("title", "clause", "note") if name in requirement or name != "note"]
    said += [(element, "asks") for element in requirement["elements"]]
    for holder, name in said:
        assert not CHINESE.search(holder[name]), (name, holder[name])
        assert CHINESE.search(holder[f"{name}_zh"]), (name, holder)
    assert ("note" in requirement) == ("note_zh" in requirement)
    assert requirement["text"] == "primary" or "note" in requirement, "what is not confirmed says what that leaves open"


def test_the_profile_itself_speaks_both():
    assert all(CHINESE.search(HELD[f"{name}_zh"]) for name in ("title", "about"))


@pytest.mark.parametrize(("requirement", "element"), QUESTIONS, ids=lambda each: each.get("id"))
def test_not_applicable_is_for_what_depends_on_a_condition(requirement, element):
    conditional = {"art-7-1/foundation-model", "art-7-3", "art-8", "art-17", "art-19/annotation-rules"}
    names = {requirement["id"], f"{requirement['id']}/{element['id']}"}
    assert element.get("conditional", False) == bool(names & conditional)


@pytest.mark.parametrize(("requirement", "number", "check", "rule"), list(profiles.checks(PROFILE)))
def test_every_number_says_where_it_comes_from(requirement, number, check, rule):
    levels = [rule["severity"], *rule.get("fields", {}).values()]
    numbers = "minimum" in rule or not all(isinstance(each, str) for each in levels)
    assert numbers == ("basis" in rule)
    assert not numbers or "names no figure" in rule["basis"], "the Measures name none for training data"


def test_only_a_stated_fact_can_fail_a_clause():
    """A licence against the purpose, an origin without permission; what is missing or unsettled leaves it open."""
    against = {check for _, _, check, rule in profiles.checks(PROFILE) if rule.get("evidence", "against") == "against"}
    assert against == {"licence-forbids-purpose", "origin-blocked"}
