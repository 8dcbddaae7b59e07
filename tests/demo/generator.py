"""Random folders of training data with planted problems and decoys, and what an audit of them must say.

The oracle knows nothing of the package: a record is known by a number that a copy keeps whatever is done to its letters, and
overlaps are counted over sets of those numbers. No check can be fitted to what a seed has not made yet.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from audit_oracle import foresee
from folder_writer import Writer
from generated_sources import DOCUMENTS, LEVELS, WORDS, Author, Expectation, Record, Source, short

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


_FORMATS = ("jsonl", "chat", "json", "csv", "tsv", "parquet", "txt")
_LAYOUTS = ("card", "readme", "licence-file", "data-licence", "native", "native-above", "lent", "shelf")


def generate(folder: Path, seed: int, size: int = 8) -> Expectation:
    """Build a folder of random sources with planted problems and decoys.

    Args:
        folder: an empty folder.
        seed: the same seed and size make the same folder.
        size: innocent sources, at least 4; problems and decoys come on top.

    Returns:
        What an audit for the purpose commercial-service under the profile baseline must say.
    """
    rng = random.Random(seed)  # noqa: S311 - not for secrets: seeds must repeat
    author = Author(rng)
    expected = Expectation()
    sources = [_innocent(author) for _ in range(size)]
    for source in rng.sample(sources, 3):  # boilerplate in sources under different licences
        source.records += short()
    for plant in rng.sample(_PLANTS, rng.randint(5, len(_PLANTS))):
        expected.planted.append(plant.__name__.strip("_"))
        sources += plant(author, rng.choice(sources[:size]))
    rng.shuffle(sources)
    writer = Writer(folder, rng)
    for source in sources:
        writer.write(source, expected)
    writer.close()
    foresee(sources, expected)
    return expected


def _innocent(author: Author, licence: str | None = None, **fixed: str) -> Source:
    rng = author.rng
    licence = licence or rng.choice(list(LEVELS))
    made = {"layout": rng.choice(_LAYOUTS), "format": rng.choice(_FORMATS)} | fixed
    return Source(author.name(), licence, made["layout"], author.records(rng.randint(20, 45)), made["format"])


def _taken(author: Author, source: Source, least: int) -> list[Record]:
    """Copy some records that somebody wrote, never boilerplate."""
    own = [record for record in source.records if record.words[0] >= WORDS]
    return [author.copied(record) for record in author.rng.sample(own, author.rng.randint(least, len(own)))]


def _below(author: Author, level: int) -> str:
    return author.rng.choice([name for name, of in LEVELS.items() if of < level])


def _republished(author: Author, _: Source) -> list[Source]:
    strict = author.rng.choice(("CC-BY-SA-4.0", "CC-BY-NC-4.0"))
    original = _innocent(author, strict)
    copy = _innocent(author, _below(author, LEVELS[strict]))
    copy.records += _taken(author, original, 14)
    copy.upstream = original.id  # saying so gives nobody a milder licence
    return [original, copy]


def _new_answers(author: Author, _: Source) -> list[Source]:
    original = _innocent(author, "CC-BY-NC-4.0", format=author.rng.choice(_FORMATS[:6]))
    copy = _innocent(author, _below(author, 3), format=author.rng.choice(_FORMATS[:6]))
    copy.records += [author.record(prompt=record) for record in _taken(author, original, 14)]
    return [original, copy]


def _stricter_copy(author: Author, _: Source) -> list[Source]:
    """A copy under a stricter licence: the milder original carries the finding, nobody is said to have copied."""
    original = _innocent(author, "MIT")
    copy = _innocent(author, author.rng.choice(("CC-BY-SA-4.0", "CC-BY-NC-4.0")))
    copy.records += _taken(author, original, 14)
    return [copy, original]


def _licence_missing(author: Author, _: Source) -> list[Source]:
    source = _innocent(author, layout="bare")
    source.licence = None
    return [source]


def _twin(author: Author, other: Source) -> list[Source]:
    source = _innocent(author, layout=author.rng.choice(("bare", "none")))
    source.licence = None
    source.records += _taken(author, other, 14)
    return [source]


def _undeclared(author: Author, _: Source) -> list[Source]:
    source = _innocent(author, layout="none")
    source.licence = None
    return [source]


def _truncated(author: Author, _: Source) -> list[Source]:
    source = _innocent(author, format=author.rng.choice(("jsonl", "chat", "csv", "txt")))
    source.problem = "truncated"
    return [source]


def _broken_line(author: Author, _: Source) -> list[Source]:
    source = _innocent(author, format=author.rng.choice(("jsonl", "chat")))
    source.problem = "broken"
    return [source]


def _pointer(author: Author, _: Source) -> list[Source]:
    source = _innocent(author)
    source.problem = "pointer"
    return [source]


def _mismatch(author: Author, _: Source) -> list[Source]:
    source = _innocent(author, layout=author.rng.choice(("native", "native-above")))
    source.problem = "mismatch"
    return [source]


def _absent(author: Author, _: Source) -> list[Source]:
    source = _innocent(author, layout=author.rng.choice(("native", "native-above")))
    source.problem = "absent"
    return [source]


def _disagreeing(author: Author, _: Source) -> list[Source]:
    source = _innocent(author, "CC-BY-NC-4.0", layout="disagreeing")
    return [source]


def _unrecognised(author: Author, _: Source) -> list[Source]:
    source = _innocent(author, layout="unrecognised")
    source.licence = None
    return [source]


def _repeated(author: Author, _: Source) -> list[Source]:
    source = _innocent(author)
    source.records += _taken(author, source, 15)
    source.problem = "repeated"
    return [source]


def _same_licence(author: Author, other: Source) -> list[Source]:
    """A decoy: a copy under the same licence, or another that asks for no more and no less."""
    alike = [name for name, level in LEVELS.items() if other.licence and level == LEVELS[other.licence]]
    copy = _innocent(author, author.rng.choice(alike))
    copy.records += _taken(author, other, 14)
    return [copy]


def _known_original(author: Author, _: Source) -> list[Source]:
    """A decoy: the milder of two is the file that its authors published; the stricter copy proves nothing against it."""
    original = _innocent(author, "MIT", format="jsonl")
    original.problem = "original"
    copy = _innocent(author, "CC-BY-NC-4.0")
    copy.records += _taken(author, original, 14)
    return [original, copy]


def _undocumented(author: Author, _: Source) -> list[Source]:
    """Sources of kinds that need a document, without it, and one of no kind, or of no origin at all."""
    made = []
    for problem in (*author.rng.sample(list(DOCUMENTS), 2), author.rng.choice(("no-origin", "no-kind"))):
        source = _innocent(author, layout=author.rng.choice(("native", "native-above")))
        source.problem = problem
        made.append(source)
    return made


def _documented(author: Author, _: Source) -> list[Source]:
    """A decoy: two of the kinds that need a document, each with it."""
    made = []
    for kind in author.rng.sample(("commercial", "private-third-party", "user", "synthetic"), 2):
        source = _innocent(author, layout=author.rng.choice(("native", "native-above")))
        source.problem = f"documented {kind}"
        made.append(source)
    return made


def _declared_copy(author: Author, _: Source) -> list[Source]:
    """A decoy: who made a stricter set says from which milder one; that one is what it says it is."""
    original = _innocent(author, author.rng.choice(("CC0-1.0", "MIT", "CC-BY-4.0")))
    copy = _innocent(author, "CC-BY-SA-4.0", layout=author.rng.choice(("native", "native-above")))
    copy.records += _taken(author, original, 14)
    copy.upstream = original.id
    return [original, copy]


def _same_answers(author: Author, other: Source) -> list[Source]:
    """A decoy: the answers are the same, the questions are not."""
    own = [record for record in other.records if record.words[0] >= WORDS]
    source = _innocent(author, "CC0-1.0", format=author.rng.choice(_FORMATS[:6]))
    source.records += [author.record(answer=record) for record in own]
    return [source]


def _identical(author: Author, _: Source) -> list[Source]:
    """Two sources under one licence hold the same file: worth a note, not a conflict."""
    one = _innocent(author, "MIT", format="json")
    two = Source(author.name(), "MIT", "card", one.records, "json", "identical")
    one.problem = "identical"
    return [one, two]


def _few(author: Author, other: Source) -> list[Source]:
    """A decoy: a handful of records in common is no evidence."""
    source = _innocent(author)
    source.records += _taken(author, other, 14)[: author.rng.randint(1, 6)]
    return [source]


_PLANTS: tuple[Callable[[Author, Source], list[Source]], ...] = (
    _republished, _new_answers, _stricter_copy, _licence_missing, _twin, _undeclared, _truncated, _broken_line, _pointer,
    _mismatch, _absent, _disagreeing, _unrecognised, _repeated, _same_licence, _known_original, _same_answers, _few,
    _identical, _declared_copy, _undocumented, _documented,
)  # fmt: skip
