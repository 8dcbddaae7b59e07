"""robots.txt as its standard reads it, and the reservations that others write into it.

Sources: RFC 9309; AIPREF (draft-ietf-aipref-attach) for `Content-Usage`; Cloudflare's content signals policy for
`Content-Signal`; RSL 1.0 for `License`. The drafts may still change; RFC 9309 reads a file as if they were not there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LARGEST_BYTES = 500 * 1024
"""Bytes that are read; a crawler need not read more (RFC 9309, section 2.5)."""

_LINES = re.compile(rb"\r\n|\r|\n")
_BARE = re.compile(rb"(user-agent|allow|disallow)[ \t]+(\S+)", re.IGNORECASE)
_TOKEN = re.compile(rb"[A-Za-z0-9_.-]+")
_SAYS = {b"y": True, b"n": False}
_SIGNALS = {b"yes": True, b"no": False}

_RULE = re.compile(rb"\s*[A-Za-z][A-Za-z-]*\s*:")

Rule = tuple[bytes, bool]
"""A path pattern as written, and whether it allows."""


@dataclass(frozen=True, slots=True)
class RobotsGroup:
    """What is said to a crawler.

    Args:
        access: rules on crawling.
        training: rules on the use for training of AI models, by path; '/' where no path is named.
    """

    access: tuple[Rule, ...] = ()
    training: tuple[Rule, ...] = ()


def consists_of_rules(head: bytes) -> bool:
    """Tell whether a text is lines of the form `name: value` (RFC 9309, section 2.2), nine of ten of them.

    Args:
        head: its first bytes.
    """
    lines = [line for line in _LINES.split(head)[:-1] if line.strip() and not line.lstrip().startswith(b"#")]
    return 10 * sum(_RULE.match(line) is not None for line in lines) >= 9 * max(1, len(lines))


@dataclass(frozen=True, slots=True)
class Robots:
    """One robots.txt.

    Args:
        access: by product token in lower case, the lists of rules on crawling that hold for it, shared between tokens;
            '*' is for everybody else.
        training: the same of the use for training.
        licences: addresses of the terms that its `License` lines name.
    """

    access: dict[str, list[list[Rule]]]
    training: dict[str, list[list[Rule]]]
    licences: tuple[str, ...]

    def group(self, crawler: str | None) -> RobotsGroup:
        """Return what is said to a crawler: its own groups together, else those for everybody, else nothing.

        Args:
            crawler: its product token, or a User-Agent that begins with it; None = one that nobody knows.
        """
        name = product_token(crawler) if crawler else "*"
        found = (blocks.get(name, blocks.get("*", ())) for blocks in (self.access, self.training))
        return RobotsGroup(*(tuple(rule for block in part for rule in block) for part in found))


def product_token(crawler: str | bytes) -> str:
    """Return the product token of a crawler's name in lower case: 'CCBot/2.0 (...)' is 'ccbot'.

    Digits and dots are kept, which RFC 9309 does not have: who writes 'AI2Bot' does not mean 'AI'.
    """
    found = _TOKEN.match(crawler.strip() if isinstance(crawler, bytes) else crawler.strip().encode())
    return found[0].decode().lower() if found else ""


def parse_robots(data: bytes) -> Robots:
    """Read a robots.txt. Nothing in it is an error: what is no rule is no rule.

    Args:
        data: its bytes; those beyond LARGEST_BYTES are not read.

    Returns:
        Its groups.
    """
    reading = _Reading()
    for line in _LINES.split(data[:LARGEST_BYTES].removeprefix(b"\xef\xbb\xbf")):
        rule = line.split(b"#", 1)[0].strip(b" \t\0\f\v")
        key, colon, value = rule.partition(b":")
        if colon:
            reading.take(key.strip(b" \t").lower(), value.strip(b" \t"))
        elif bare := _BARE.fullmatch(rule):
            reading.take(bare[1].lower(), bare[2])  # a colon that was forgotten: the intent is plain
    return Robots(reading.access.by_crawler, reading.training.by_crawler, tuple(dict.fromkeys(reading.licences)))


class _Block:
    """Crawlers that are listed one after the other, and the rules of one kind for them."""

    def __init__(self) -> None:
        self.by_crawler: dict[str, list[list[Rule]]] = {}
        self.rules: list[Rule] = []
        self._listing = False

    def name(self, crawler: str) -> None:
        if not self._listing:
            self.rules, self._listing = [], True
        blocks = self.by_crawler.setdefault(crawler, [])
        if not blocks or blocks[-1] is not self.rules:
            blocks.append(self.rules)

    def end(self) -> None:
        self._listing = False


class _Reading:
    """Lines become groups. AIPREF's rules end a list of crawlers for themselves alone: RFC 9309 does not know them."""

    def __init__(self) -> None:
        self.access, self.training = _Block(), _Block()
        self.licences: list[str] = []

    def take(self, key: bytes, value: bytes) -> None:
        if key == b"user-agent":
            everybody = value[:1] == b"*" and not value[1:2].strip()
            for block in (self.access, self.training):
                block.name("*" if everybody else product_token(value))
        elif key in (b"allow", b"disallow"):
            if value:  # an empty path is no rule, but it ends the list
                self.access.rules.append((value, key == b"allow"))
            self.access.end()
            self.training.end()
        elif key in (b"content-usage", b"content-signal"):
            wanted, says = (b"train-ai", _SAYS) if key == b"content-usage" else (b"ai-train", _SIGNALS)
            self.training.rules += _read_preferences(value, wanted, says)
            self.training.end()
        elif key == b"license" and re.match(rb"https?://", value, re.IGNORECASE):
            self.licences.append(value[:2000].decode("utf-8", "replace"))


def _read_preferences(value: bytes, wanted: bytes, says: dict[bytes, bool]) -> list[Rule]:
    """Read `[path] key=value, key=value`; keys and values that nobody knows say nothing."""
    path = b"/"
    if value[:1] in (b"/", b"*"):
        path, _, value = value.partition(b" ")
    pairs = (part.split(b";", 1)[0].partition(b"=") for part in value.split(b","))
    return [
        (path, says[preference.strip()])
        for key, _, preference in pairs
        if key.strip() == wanted and preference.strip() in says
    ]
