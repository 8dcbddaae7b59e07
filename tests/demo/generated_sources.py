"""What a random folder is made of: records, sources, their author, and what an audit must say of them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

LEVELS = {"CC0-1.0": 0, "MIT": 1, "Apache-2.0": 1, "CC-BY-4.0": 1, "CC-BY-SA-4.0": 2, "CC-BY-NC-4.0": 3}
"""How strict a licence is: of two levels the higher asks for, or withholds, something that the lower does not."""

RECORDS, SHARE = 10, 0.05  # the baseline's: fewer shared records, or a smaller share, are no finding
WORDS = 8  # a shorter record is no evidence
_HAN = "山水风云日月星辰春夏秋冬东西南北天地人和花草树木鸟鱼虫马牛羊江河湖海田园村镇城市道路桥船车门窗书画琴棋诗酒茶米"
_SYLLABLES = tuple("ba be do fa gi ho ka ki la lo ma mi na ne no pa po ra ri sa si so ta te to va vi wa yo zu".split())  # noqa: SIM905 - easier to read
_SHORT = (
    ("Are you sure?", "Yes."), ("Value?", "N/A"), ("Go on.", "Sure, here is the answer:"), ("Hello!", "Hello there!"),
    ("Thanks.", "You are welcome."), ("True or false?", "True."), ("Next?", "No."), ("Name?", "Unknown."), ("再见", "再见！"),
    ("Ready?", "Ready."), ("Is it late?", "A little."), ("你好", "你好！"), ("Why?", "Because."), ("Stop.", "All right."),
    ("Summary:", "None."),
)  # fmt: skip

DOCUMENTS = {
    "commercial": ("contract-missing", "error"),
    "private-third-party": ("contract-missing", "error"),
    "crawl": ("collection-record-missing", "error"),
    "user": ("consent-missing", "error"),
    "synthetic": ("generator-unnamed", "warning"),
}
"""What is found of a source of a kind that comes without the document it needs."""


@dataclass(frozen=True)
class Record:
    """One question with its answer, or a text where there is no question.

    Args:
        parts: instruction, input and answer, as written.
        whole: number of the whole text; the same for a copy, however it is written.
        prompt: number of the question.
        answer: number of the answer.
        words: words of the question, and of all.
    """

    parts: tuple[str, str, str]
    whole: str
    prompt: str
    answer: str
    words: tuple[int, int]


@dataclass(eq=False)
class Source:
    """One source to be written.

    Args:
        folder: relative to the root.
        licence: SPDX; None = none stated.
        layout: how it is described; "bare" = a README without licence, "none" = not at all.
        records: what it holds.
        format: of its files.
        problem: what is wrong with its files, if anything.
        upstream: the id of the source that it says it was made from; a native manifest can say so.
        parts: what each of its files holds, by path; made when it is written.
    """

    folder: str
    licence: str | None
    layout: str
    records: list[Record]
    format: str
    problem: str = ""
    upstream: str = ""
    parts: dict[str, list[Record]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Return what an audit calls it."""
        return f"undeclared:{self.folder}" if self.layout == "none" else self.folder


@dataclass
class Expectation:
    """What an audit must say.

    Args:
        findings: (check, severity, source, other).
        licences: concluded, by source.
        records: by source, of those that can all be read.
        overlaps: (view, source, other) -> records of the source that stand in the other.
        originals: SHA-256 of files that the audit is to take for known originals, with their ids.
        planted: the problems and decoys, for whoever reads a failure.
    """

    findings: set[tuple[str, str, str, str | None]] = field(default_factory=set)
    licences: dict[str, str | None] = field(default_factory=dict)
    records: dict[str, int] = field(default_factory=dict)
    overlaps: dict[tuple[str, str, str], int] = field(default_factory=dict)
    originals: dict[str, str] = field(default_factory=dict)
    planted: list[str] = field(default_factory=list)


class Author:
    """Writes texts that nobody has written before, always the same for a seed.

    Args:
        rng: the seed's.
    """

    def __init__(self, rng: random.Random) -> None:
        self.rng, self.number, self.names = rng, itertools.count(), set[str]()

    def word(self) -> str:
        return "".join(self.rng.choices(_SYLLABLES, k=self.rng.randint(2, 4)))

    def name(self) -> str:
        """Return a name for a folder; half of them stand in a folder of their owner, with a common last part."""
        while True:
            name = f"{self.word()}-{self.word()}"
            if self.rng.random() < 0.4:
                name = f"{self.word()}/{self.rng.choice(('news', 'qa', 'data', 'corpus'))}"
            if name.split("/")[0] not in self.names:
                self.names.add(name.split("/")[0])
                return name

    def sentence(self, *, chinese: bool) -> str:
        if chinese:
            text = "".join(self.rng.choices(_HAN, k=self.rng.randint(14, 30)))
            cut = self.rng.randint(5, 9)
            return f"{text[:cut]}，{text[cut:]}。"
        words = [self.word() for _ in range(self.rng.randint(10, 18))]
        words[3] += self.rng.choice((",", ";", "", ' "so"'))
        return " ".join(words).capitalize() + self.rng.choice(".?!")

    def record(self, prompt: Record | None = None, answer: Record | None = None) -> Record:
        """Write a record.

        Args:
            prompt: a record whose question is to be used again.
            answer: a record whose answer is to be used again.
        """
        chinese = self.rng.random() < 0.3
        question, more = self.sentence(chinese=chinese), ""
        if self.rng.random() < 0.3:
            more = self.sentence(chinese=chinese)
        key = str(next(self.number))
        if prompt is not None:
            (question, more, _), key = prompt.parts, prompt.prompt
        reply, said = self.sentence(chinese=chinese), f"a{next(self.number)}"
        if answer is not None:
            reply, said = answer.parts[2], answer.answer
        return Record((question, more, reply), f"w{next(self.number)}", key, said, (WORDS, WORDS))

    def records(self, count: int) -> list[Record]:
        return [self.record() for _ in range(count)]

    def copied(self, record: Record) -> Record:
        """Copy a record in other letters: case, punctuation, width and spaces say nothing."""
        ways: tuple[Callable[[str], str], ...] = (
            str,
            str.upper,
            lambda text: text.replace(" ", "  "),
            lambda text: text.replace(".", " !").replace("。", "……"),
            lambda text: "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isalpha() else c for c in text),
        )
        way = self.rng.choice(ways)
        question, more, reply = map(way, record.parts)
        return Record((question, more, reply), record.whole, record.prompt, record.answer, record.words)


def short() -> list[Record]:
    """Return what stands everywhere and proves nothing."""
    return [Record((q, "", a), f"s{i}", f"sp{i}", f"sa{i}", (1, 1)) for i, (q, a) in enumerate(_SHORT)]
