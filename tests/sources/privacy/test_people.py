"""People become role and id, organisations stay, and of a citation stays what tells where the work is."""

from __future__ import annotations

import pytest

from provenance.sources.privacy import people
from provenance.sources.privacy.identity import IdentityKey

NAMED = {
    "Jane Doe": "<creator>", "Stanford University": "Stanford University", "Jane Doe, Acme Inc": "<creator>, Acme Inc",
    "Acme, Inc.": "Acme, Inc.", "Jane Doe (Stanford University)": "<creator> (Stanford University)", "Doe, Jane": "<creator>",
    "Jane Doe of Stanford University": "<creator> of Stanford University", "Google": "Google", "张三": "<creator>",
    "Jane Doe and John Roe": "<creator> and <creator>", "清华大学": "清华大学", "https://jane.example": "<creator>",
    "The Regents of the University of California": "The Regents of the University of California",
    "[email]": "[email]", "Jane Doe <[email]>": "<creator> <[email]>", "Rajpurkar et al.": "<creator> et al.",
    "Copyright (C) 1995 Jane Doe": "Copyright (C) 1995 <creator>", "Zorblax": "<creator>",
}  # fmt: skip

PROSE = {
    "Copyright (c) 2023 Jane Doe": "Copyright (c) 2023 <owner>", "(c) Jane Doe, 2020": "(c) <owner>, 2020",
    "Copyright 2019-2023 Stanford University. All rights reserved.": "Copyright 2019-2023 Stanford University. All rights reserved.",
    "Copyright (c) 2023 Jane Doe. Permission is": "Copyright (c) 2023 <owner>. Permission is",
    "Collected by Jane Doe in 2020": "Collected by <contact> in 2020", "Jane Doe ([email])": "<contact> ([email])",
    "Contact: Jane Doe <[email]>": "Contact: <contact> <[email]>", "作者：张三": "作者：<contact>",
    "Maintained by the Acme Team": "Maintained by the Acme Team", "provided by Common Crawl": "provided by Common Crawl",
    "created by translating English SQuAD": "created by translating English SQuAD", "Licensed Under MIT": "Licensed Under MIT",
    "Copyright License Agreement": "Copyright License Agreement", "See. Contact Information Below": "See. Contact Information Below",
    "under the Creative Commons Attribution 4.0": "under the Creative Commons Attribution 4.0",
}  # fmt: skip

CITED = {
    "@article{doe2020, title={A {Big} Set}, author={Doe, Jane and Roe, John}, year=2020, doi={10.1/x}}":
        "title: A Big Set; year: 2020; doi: 10.1/x; author: <author>, <author>",
    "Doe, J. (2020). A set. https://x.org/y": "<author>; 2020; https://x.org/y",
    "https://doi.org/10.1234/abc": "https://doi.org/10.1234/abc", "10.1234/abc": "10.1234/abc",
    '@misc{x,\n author = "Jane Doe",\n title = {Cut of': "title: Cut of; author: <author>",
}  # fmt: skip


def role(name, _value):
    return f"<{name}>"


@pytest.mark.parametrize(("text", "expected"), NAMED.items())
def test_parties(text, expected):
    assert people.replace(text, "creator", "", role) == expected


@pytest.mark.parametrize(("text", "expected"), PROSE.items())
def test_prose(text, expected):
    assert people.in_prose(text, role) == expected


@pytest.mark.parametrize(("text", "expected"), CITED.items())
def test_citations(text, expected):
    assert people.in_citation(text, role) == expected


def test_what_the_manifest_says_decides():
    assert people.replace("Jane Doe", "creator", people.ORGANISATION, role) == "Jane Doe"
    assert people.replace("Acme University", "creator", people.PERSON, role) == "<creator>"


def test_ids_are_of_the_person_and_of_the_secret():
    key, other = IdentityKey(b"a" * 32), IdentityKey(b"b" * 32)
    assert key.id("Jane  DOE") == key.id("Doe, Jane") == key.id("Ｊane Doe") != key.id("John Doe")
    assert key.id("Jane Doe") != other.id("Jane Doe")
    assert key.person("owner", "Jane Doe").split(":")[2] == key.person("creator", "Jane Doe").split(":")[2]
    assert key.person("creator", key.person("owner", "Jane Doe")) == key.person("owner", "Jane Doe")
    assert key.check != other.check
    assert "a" * 8 not in repr(key)
