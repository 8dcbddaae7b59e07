"""robots.txt: RFC 9309 by cases and beside two other parsers, what others write into it, and what is hostile."""

import re
import time
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from protego import Protego

from provenance.origins import robots, robots_patterns
from provenance.origins.robots_patterns import ALLOWED, DISALLOWED, NOTHING, UNDECIDED

CASES = yaml.safe_load(Path(__file__).with_name("robots.yaml").read_text("utf-8"))
ASKED = [(name, *ask) for name, case in CASES.items() for ask in case["asks"]]


def column(*paths):
    return pa.array(paths, pa.large_string())


def says(rules, *paths, **options):
    return list(robots_patterns.decide_paths(robots_patterns.prepare_patterns(rules, **options), column(*paths)))


def allowed(text, crawler, path):
    data = text if isinstance(text, bytes) else text.encode()
    return says(robots.parse_robots(data).group(crawler).access, path) != [DISALLOWED]


@pytest.mark.parametrize(("name", "crawler", "path", "expected"), ASKED)
def test_cases(name, crawler, path, expected):
    assert allowed(CASES[name]["robots"], crawler, path) is expected


# What Protego 0.7 does otherwise, and RFC 9309 does not.
ITS_OWN = {
    "a byte order mark",
    "names in any case, whole names only",
    "other lines do not part names from their rules",
    "what AIPREF adds does not part names from rules on crawling",
    "a percent sign that encodes nothing",
    "a version after the name is no part of it",
    "lines that end with a carriage return alone",
    "a star that is followed by words is everybody",
    "a name that begins with a star is nobody",
}


@pytest.mark.parametrize(
    ("name", "crawler", "path", "expected"), [ask for ask in ASKED if ask[1] and ask[0] not in ITS_OWN]
)
def test_another_parser_agrees(name, crawler, path, expected):
    assert Protego.parse(CASES[name]["robots"]).can_fetch("https://example.org" + path, crawler) is expected


def naive(pattern, path):
    """The same by a regular expression: an oracle for patterns of unreserved characters."""
    anchored = pattern.endswith("$")
    body = ".*".join(re.escape(part) for part in pattern.removesuffix("$").split("*"))
    return re.match(f"{body}{'$' if anchored else ''}", path) is not None


@given(
    st.lists(st.tuples(st.from_regex(r"/[ab*]{0,6}\$?", fullmatch=True), st.booleans()), max_size=6),
    st.from_regex(r"/[ab]{0,8}", fullmatch=True),
)
def test_the_longest_of_any_patterns_decides(rules, path):
    matching = [(len(pattern), allows) for pattern, allows in rules if naive(pattern, path)]
    expected = NOTHING if not matching else ALLOWED if max(matching)[1] else DISALLOWED
    assert says([(pattern.encode(), allows) for pattern, allows in rules], path) == [expected]


@given(st.binary(max_size=300))
def test_no_bytes_are_an_error(data):
    group = robots.parse_robots(data).group("Bot")
    decisions = says(group.access, "/", "/x?y")
    assert len(decisions) == 2
    assert set(decisions) <= {NOTHING, ALLOWED, DISALLOWED}


@given(st.text(max_size=40))
def test_the_form_in_which_paths_are_compared_is_printable_ascii_and_final(path):
    once = robots_patterns.normalise_path(path.encode(), is_pattern=False)
    assert re.fullmatch(rb"[!-~]*", once)
    assert b"*" not in once
    assert robots_patterns.normalise_path(once, is_pattern=False) == once


def test_only_the_first_500_kib_are_read():
    filler = b"#" + b"x" * 1022 + b"\n"
    head = b"User-agent: *\nDisallow: /a\n"
    within = head + filler * 499 + b"Disallow: /b\n"
    beyond = head + filler * 500 + b"Disallow: /b\n"
    assert not allowed(within, "x", "/b")
    assert allowed(beyond, "x", "/b")
    assert not allowed(beyond, "x", "/a")


TRAINING = {
    "a preference for everybody": ("User-agent: *\nContent-Usage: train-ai=n\n", [("/x", DISALLOWED)]),
    "by path": (
        "User-agent: *\nContent-Usage: train-ai=n\nContent-Usage: /ok/ train-ai=y\n",
        [("/x", DISALLOWED), ("/ok/x", ALLOWED)],
    ),
    "the most restrictive of equal paths": ("User-agent: *\nContent-Usage: train-ai=y\nContent-Usage: train-ai=n\n", [("/", DISALLOWED)]),
    "others of a list": ("User-agent: *\nContent-Usage: search=y, train-ai=n\n", [("/", DISALLOWED)]),
    "parameters": ("User-agent: *\nContent-Usage: train-ai=n;x=1\n", [("/", DISALLOWED)]),
    "cases count": ("User-agent: *\nContent-Usage: Train-AI=n, train-ai=N\n", [("/", NOTHING)]),
    "unknown": ("User-agent: *\nContent-Usage: train-ai=maybe, foo=n\n", [("/", NOTHING)]),
    "a content signal": ("User-Agent: *\nContent-Signal: search=yes, ai-train=no\nAllow: /\n", [("/", DISALLOWED)]),
    "a content signal that allows": ("User-Agent: *\nContent-Signal: ai-train=yes\n", [("/", ALLOWED)]),
    "a content signal on something else": ("User-Agent: *\nContent-Signal: search=no\n", [("/", NOTHING)]),
    "of another crawler": ("User-agent: Other\nContent-Usage: train-ai=n\n", [("/", NOTHING)]),
    "as AIPREF parts names": ("User-agent: Bot\nContent-Usage: train-ai=n\nUser-agent: Other\nDisallow: /\n", [("/", DISALLOWED)]),
    "before any name": ("Content-Usage: train-ai=n\nUser-agent: *\nDisallow: /x\n", [("/", NOTHING)]),
}  # fmt: skip


@pytest.mark.parametrize("name", TRAINING)
def test_preferences_on_training(name):
    text, asks = TRAINING[name]
    rules = robots.parse_robots(text.encode()).group("Bot").training
    assert says(rules, *(path for path, _ in asks), allows_ties=False) == [said for _, said in asks]


@pytest.mark.parametrize(
    ("text", "licences"),
    [
        ("License: https://example.org/rsl.xml\nUser-agent: *\nAllow: /\n", ("https://example.org/rsl.xml",)),
        ("license: HTTP://a.example/x\nLicense: HTTP://a.example/x\n", ("HTTP://a.example/x",)),
        ("License: see our page\n", ()),
    ],
)
def test_terms_that_a_site_names(text, licences):
    assert robots.parse_robots(text.encode()).licences == licences


def names_and_rules():
    names = b"".join(b"User-agent: a%d\n" % k for k in range(14_000))
    return names + b"".join(b"Disallow: /%d\n" % k for k in range(14_000)) + b"User-agent: *\nDisallow: /\n"


HOSTILE = {
    "stars": b"User-agent: *\n" + b"Disallow: /*a*a*a*a*a*a*a*a*a*a*b\n" * 10_000,
    "different stars": b"User-agent: *\n" + b"".join(b"Disallow: *%d*a\n" % k for k in range(25_000)),
    "long and alike": b"User-agent: *\n" + b"".join(b"Disallow: *" + b"a" * (4000 + k) + b"b\n" for k in range(100)),
    "names by rules": names_and_rules(),
    "one name": b"User-agent: *\n" * 35_000,
    "no lines": b"\r" * robots.LARGEST_BYTES,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_cost_bounded_time_and_memory(name):
    assert len(HOSTILE[name]) <= robots.LARGEST_BYTES
    started = time.process_time()
    found = robots.parse_robots(HOSTILE[name])
    held = sum(len(rules) for blocks in found.access.values() for rules in {id(each): each for each in blocks}.values())
    assert len({id(rules) for blocks in found.access.values() for rules in blocks}) <= 35_000
    assert held < 14_000 * 14_001  # shared, not copied
    ready = robots_patterns.prepare_patterns(found.group("Bot").access)
    robots_patterns.decide_paths(ready, column(*["/" + "a" * 8000] * 3))
    assert time.process_time() - started < 60  # no measurement: one that is not bounded takes hours


def test_a_part_of_a_column_is_read_as_such():
    ready = robots_patterns.prepare_patterns([(b"/a", False)])
    assert list(robots_patterns.decide_paths(ready, column("/x", "/a", "/b", "/a").slice(1, 2))) == [
        DISALLOWED,
        NOTHING,
    ]


def test_the_first_counts_where_order_decides():
    rules = [(b"/a", True), (b"/a/b", False), (b"/", False)]
    assert says(rules, "/a/b", "/c", in_order=True) == [ALLOWED, DISALLOWED]


def test_what_would_cost_too_much_is_not_decided():
    ready = robots_patterns.prepare_patterns([(b"*%d*a" % k, False) for k in range(1000)])
    said = robots_patterns.decide_paths(ready, column("/x", "/" + "a" * 8000, "/y"), budget=100_000)
    assert list(said) == [NOTHING, UNDECIDED, UNDECIDED]


# Two end a list of names with Crawl-delay, which RFC 9309 does not know (section 2.2.4); one has a byte order mark.
KNOWN = {"oese.ed.gov", "www.eventbrite.co.uk", "www.eventbrite.de", "www.eventbrite.nl", "www.oyasecurity.com"}


@pytest.mark.realdata
def test_698_real_files(realdata):
    """All parse; where Protego answers otherwise it is for a reason that is known."""
    files = sorted((realdata / "policy/robots_sites/robots").iterdir())
    assert len(files) == 698
    crawlers = ("GPTBot", "CCBot", "Google-Extended", "Bytespider", "SomeBot")
    paths = ["/", "/index.html", "/wp-admin/admin.php?x=1", "/search?q=a", "/a/b/c.pdf", "/news/2024/05/x"]
    differ = []
    for file in files:
        data = file.read_bytes()
        mine = robots.parse_robots(data)
        theirs = Protego.parse(data[: robots.LARGEST_BYTES].decode("utf-8", "replace"))
        for crawler in crawlers:
            said = says(mine.group(crawler).access, *paths)
            differ += [
                (file.name, crawler, path)
                for path, each in zip(paths, said, strict=True)
                if (each != DISALLOWED) != theirs.can_fetch("https://" + file.name + path, crawler)
            ]
    assert {name for name, _, _ in differ} == KNOWN
    assert len(differ) == 29  # of 20,940
