"""States of addresses by the snapshots of their hosts: robots.txt, its status, tdmrep.json, and when they were taken."""

import json

import pyarrow as pa
import pytest
import yaml

from provenance.core.package_data import DATA_FOLDER
from provenance.origins import signals, urls
from provenance.origins.signals import NOTHING_KNOWN, SitePolicy, Snapshot

GPTBOT = "User-agent: GPTBot\nDisallow: /news\n"
PRIVATE = "User-agent: *\nDisallow: /private\n"
TDM = [{"location": "/open/*", "tdm-reservation": 0}, {"location": "/*", "tdm-reservation": 1}]


def states(folder, addresses, *, robots=None, status=None, tdmrep=None, crawler=None, time="", tdm_time=""):
    """States of addresses, of which all on example.org are under the files given."""
    kept = {}
    for kind, text, said in (("robots", robots, status), ("tdmrep", tdmrep, None)):
        place = folder / kind
        if text is not None:
            place.write_text(text if isinstance(text, str) else json.dumps(text))
        if text is not None or said is not None:
            when = time if kind == "robots" else tdm_time
            kept[kind] = {"example.org": Snapshot(said, str(place) if text is not None else None, when)}
    policy = SitePolicy(crawler, **kept)
    return signals.find_states(policy, urls.split_urls(pa.array(addresses))).to_pylist()


A, PRIVATE_A, NEWS = "http://example.org/a", "http://example.org/private/a", "https://example.org/news/1"
CASES = {
    "nobody kept a file": ({}, {A: "not-evaluated"}),
    "another host": ({"robots": PRIVATE}, {"http://www.example.org/private": "not-evaluated"}),
    "another port": ({"robots": PRIVATE}, {"http://example.org:8080/private": "not-evaluated"}),
    "no address of the web": ({"robots": PRIVATE}, {"example.org/private": "unparsable"}),
    "rules for everybody": ({"robots": PRIVATE}, {A: "allowed", PRIVATE_A: "reserved"}),
    "rules for another": ({"robots": "User-agent: Other\nDisallow: /\n"}, {A: "allowed"}),
    "rules for the crawler": ({"robots": GPTBOT, "crawler": "GPTBot"}, {A: "allowed", NEWS: "reserved"}),
    "rules for a crawler that trains": ({"robots": GPTBOT}, {A: "allowed", NEWS: "training-crawlers-blocked"}),
    "the crawler may, others may not": (
        {"robots": GPTBOT + "User-agent: CCBot\nAllow: /\n", "crawler": "CCBot/2.0"},
        {NEWS: "training-crawlers-blocked"},
    ),
    "the file itself": ({"robots": "User-agent: *\nDisallow: /\n"}, {"http://example.org/robots.txt": "allowed", A: "reserved"}),
    "AIPREF": ({"robots": "User-agent: *\nContent-Usage: train-ai=n\n"}, {A: "reserved"}),
    "a content signal": ({"robots": "User-agent: *\nContent-Signal: ai-train=no\nAllow: /\n"}, {A: "reserved"}),
    "terms": ({"robots": "License: https://example.org/rsl.xml\n" + PRIVATE}, {A: "licence-required", PRIVATE_A: "reserved"}),
    "not found": ({"status": 404}, {A: "allowed"}),
    "forbidden": ({"robots": PRIVATE, "status": 403}, {PRIVATE_A: "allowed"}),
    "a fault of the server": ({"status": 503}, {A: "unreachable"}),
    "a redirect that leads nowhere": ({"status": 301}, {A: "not-evaluated"}),
    "a status that says there is a file": ({"status": 200}, {A: "not-evaluated"}),
    "earlier": ({"robots": PRIVATE, "time": "earlier"}, {A: "allowed (earlier)", PRIVATE_A: "reserved (earlier)"}),
    "later": ({"robots": PRIVATE, "time": "later"}, {PRIVATE_A: "reserved (later)"}),
    "undated, and no file at all": ({"status": 404, "time": "undated"}, {A: "allowed (undated)"}),
    "the first location that matches": ({"tdmrep": TDM}, {A: "reserved", "http://example.org/open/x": "allowed"}),
    "a reservation beside a permission to crawl": ({"robots": PRIVATE, "tdmrep": TDM}, {A: "reserved"}),
    "a permission that is no permission to crawl": (
        {"robots": "User-agent: *\nDisallow: /open\n", "tdmrep": TDM},
        {"http://example.org/open/x": "reserved"},
    ),
    "of both the one that reserves says when": (
        {"robots": PRIVATE, "tdmrep": TDM, "tdm_time": "later"},
        {A: "reserved (later)", "http://example.org/open/x": "allowed"},
    ),
    "no tdmrep.json": ({"tdmrep": "<html>"}, {A: "not-evaluated"}),
    "no list": ({"tdmrep": {"location": "/"}}, {A: "not-evaluated"}),
    "values that nobody knows": ({"tdmrep": [{"location": "/", "tdm-reservation": "yes"}, 3, {"location": 4}]}, {A: "not-evaluated"}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_cases(name, tmp_path):
    given, expected = CASES[name]
    assert states(tmp_path, list(expected), **given) == list(expected.values())


def test_a_column_keeps_its_order(tmp_path):
    addresses = [A, "x", PRIVATE_A, "http://other.org/", A, PRIVATE_A]
    expected = ["allowed", "unparsable", "reserved", "not-evaluated", "allowed", "reserved"]
    assert states(tmp_path, addresses, robots=PRIVATE) == expected
    assert states(tmp_path, addresses * 3, robots=PRIVATE) == expected * 3


def test_a_file_that_is_gone_is_not_evaluated(tmp_path):
    policy = SitePolicy(None, {"example.org": Snapshot(200, str(tmp_path / "gone"), "")})
    assert signals.find_states(policy, urls.split_urls(pa.array([A]))).to_pylist() == ["not-evaluated"]


def test_policies_come_back_as_they_were_written(tmp_path):
    policies = {
        "a": SitePolicy(
            "CCBot", {"é.example": Snapshot(404, None, "later")}, {"b.example": Snapshot(None, "/x/\udcff", "")}
        ),
        "b": NOTHING_KNOWN,
    }
    signals.write_policies(tmp_path / "p.json", policies)
    assert {source: signals.load_policy(str(tmp_path / "p.json"), source) for source in policies} == policies


def test_every_training_crawler_says_where_it_is_known_from():
    listed = yaml.safe_load((DATA_FOLDER / "training-crawlers.yaml").read_text("utf-8"))["crawlers"]
    assert [each["token"].lower() for each in listed] == sorted(each["token"].lower() for each in listed)
    assert all(set(each) == {"token", "operator", "says", "basis"} for each in listed)
    assert all(each["basis"].startswith("https://") and each["says"] in {"operator", "observed"} for each in listed)
    assert len(signals.training_crawlers()) == len(listed)
