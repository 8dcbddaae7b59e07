"""Random folders of training data with planted problems and decoys, and what an audit of them must say.

The oracle knows nothing of the package: a record is known by a number that a copy keeps whatever is done to its letters, and
overlaps are counted over sets of those numbers. No check can be fitted to what a seed has not made yet.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import hashlib
import io
import itertools
import json
import lzma
import random
import tarfile
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LEVELS = {"CC0-1.0": 0, "MIT": 1, "Apache-2.0": 1, "CC-BY-4.0": 1, "CC-BY-SA-4.0": 2, "CC-BY-NC-4.0": 3}
"""How strict a licence is: of two levels the higher asks for, or withholds, something that the lower does not."""

RECORDS, SHARE = 10, 0.05  # the baseline's: fewer shared records, or a smaller share, are no finding
WORDS = 8  # a shorter record is no evidence

_TITLES = {
    "CC0-1.0": ("CC0 1.0", "CC0-1.0"),
    "MIT": ("MIT", "the MIT License"),
    "Apache-2.0": ("Apache-2.0", "the Apache License 2.0"),
    "CC-BY-4.0": ("CC BY 4.0", "CC-BY-4.0", "the Creative Commons Attribution 4.0 International License"),
    "CC-BY-SA-4.0": ("CC BY-SA 4.0", "the Creative Commons Attribution-ShareAlike 4.0 International License"),
    "CC-BY-NC-4.0": ("CC BY-NC 4.0", "the Creative Commons Attribution-NonCommercial 4.0 International License"),
}
_SENTENCES = (
    "The data is licensed under {}.",
    "This dataset is released under {}.",
    "The dataset is distributed under {}.",
    "本数据集采用 {} 许可协议。",
)
_DEMO = Path(__file__).parents[2] / "manifests/demo/data"
_TEXTS = {"MIT": _DEMO / "weather-log/LICENSE", "Apache-2.0": _DEMO / "quay-answers/LICENSE"}
_HAN = "山水风云日月星辰春夏秋冬东西南北天地人和花草树木鸟鱼虫马牛羊江河湖海田园村镇城市道路桥船车门窗书画琴棋诗酒茶米"
_SYLLABLES = tuple("ba be do fa gi ho ka ki la lo ma mi na ne no pa po ra ri sa si so ta te to va vi wa yo zu".split())  # noqa: SIM905 - easier to read
_SHORT = (
    ("Are you sure?", "Yes."), ("Value?", "N/A"), ("Go on.", "Sure, here is the answer:"), ("Hello!", "Hello there!"),
    ("Thanks.", "You are welcome."), ("True or false?", "True."), ("Next?", "No."), ("Name?", "Unknown."), ("再见", "再见！"),
    ("Ready?", "Ready."), ("Is it late?", "A little."), ("你好", "你好！"), ("Why?", "Because."), ("Stop.", "All right."),
    ("Summary:", "None."),
)  # fmt: skip
_KEYS = (
    ("instruction", "input", "output"),
    ("question", "context", "answer"),
    ("Prompt", "background", "completion"),
    ("指令", "输入", "输出"),
)
_META = (("id", "a-{}"), ("score", "0.{}"), ("lang", "x{}"), ("split", "train"))
_NOISE = (
    (".DS_Store", b"\0\0\0\1Bud1"),
    (".git/config", b"[core]\n"),
    ("__MACOSX/._train-0.jsonl", b"\0\5\x16\7"),
    (".cache/train-0.jsonl", b'{"text": "what a tool left behind, which is no part of the data set at all"}\n'),
    ("empty.jsonl", b""),
    ("logo.png", b"\x89PNG\r\n\x1a\n"),
)
"""What lies about in folders and is no data, or none that can be read."""

_DOCUMENTS = {
    "commercial": ("contract-missing", "error"),
    "private-third-party": ("contract-missing", "error"),
    "crawl": ("collection-record-missing", "error"),
    "user": ("consent-missing", "error"),
    "synthetic": ("generator-unnamed", "warning"),
}
"""What is found of a source of a kind that comes without the document it needs."""

_PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda data: pa.compress(data, codec="zstd", asbytes=True),
}
_SPELLINGS: tuple[Callable[[bytes], bytes], ...] = (
    bytes,
    bytes,
    lambda data: data.replace(b"\n", b"\r\n"),
    lambda data: b"\xef\xbb\xbf" + data,
    lambda data: data.decode().encode("utf-16"),
)
_SPELLED = ("jsonl", "chat", "csv", "tsv", "txt")
_FORMATS = ("jsonl", "chat", "json", "csv", "tsv", "parquet", "txt")
_LAYOUTS = ("card", "readme", "licence-file", "data-licence", "native", "native-above", "lent", "shelf")


@dataclass(frozen=True)
class Record:
    """One question with its answer, or a text where there is no question.

    Args:
        parts: instruction, input and answer, as written.
        whole: number of the whole text; the same for a copy, however it is written.
        prompt: number of the question.
        words: words of the question, and of all.
    """

    parts: tuple[str, str, str]
    whole: str
    prompt: str
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

    def record(self, prompt: Record | None = None, answer: str | None = None) -> Record:
        """Write a record.

        Args:
            prompt: a record whose question is to be used again.
            answer: an answer that is to be used again.
        """
        chinese = self.rng.random() < 0.3
        question, more = self.sentence(chinese=chinese), ""
        if self.rng.random() < 0.3:
            more = self.sentence(chinese=chinese)
        key = str(next(self.number))
        if prompt is not None:
            (question, more, _), key = prompt.parts, prompt.prompt
        reply = answer if answer is not None else self.sentence(chinese=chinese)
        return Record((question, more, reply), f"w{next(self.number)}", key, (WORDS, WORDS))

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
        return Record((question, more, reply), record.whole, record.prompt, record.words)


def short() -> list[Record]:
    """Return what stands everywhere and proves nothing."""
    return [Record((q, "", a), f"s{i}", f"sp{i}", (1, 1)) for i, (q, a) in enumerate(_SHORT)]


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
    writer = _Writer(folder, rng)
    for source in sources:
        writer.write(source, expected)
    writer.close()
    _foresee(sources, expected)
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
    for problem in (*author.rng.sample(list(_DOCUMENTS), 2), author.rng.choice(("no-origin", "no-kind"))):
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
    source.records += [author.record(answer=record.parts[2]) for record in own]
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


class _Writer:
    """Puts sources on disk.

    Args:
        root: where.
        rng: the seed's.
    """

    def __init__(self, root: Path, rng: random.Random) -> None:
        self.root, self.rng, self.above, self.twin = root, rng, list[dict[str, object]](), b""

    def write(self, source: Source, expected: Expectation) -> None:
        files = self._files(source, expected)
        self._describe(source, files)
        for path, data in files.items():
            self._put(f"{source.folder}/{path}", data)
        noise = _NOISE[:4] if source.layout.startswith("native") else _NOISE  # a native manifest lists all its files
        for path, data in self.rng.sample(noise, self.rng.randint(0, 2)):
            tail = source.id.encode() if path == "logo.png" else b""  # one logo in two places would be a finding
            self._put(f"{source.folder}/{path}", data + tail)

    def close(self) -> None:
        """Write the manifest that describes several sources from above."""
        if self.above:
            self._put("provenance.yaml", _dumped({"provenance": 1, "sources": self.above}))

    def _put(self, path: str, data: bytes | str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data.encode() if isinstance(data, str) else data)

    def _files(self, source: Source, expected: Expectation) -> dict[str, bytes]:
        records = list(source.records)
        self.rng.shuffle(records)
        whole = source.problem in {"truncated", "broken", "pointer", "original", "identical"}
        count = 1 if whole else self.rng.randint(1, 3)
        below = "" if source.layout == "none" else self.rng.choice(("", "data/"))
        stem = self.rng.choice(("train", "part", "all"))
        made: dict[str, bytes] = {}
        for number in range(count):
            part = records[number::count]
            data, suffix = _written(part, source.format, self.rng)
            if source.format in _SPELLED and source.problem not in {"broken", "original"}:
                data = self.rng.choice(_SPELLINGS)(data)
            if source.problem == "identical":
                data = self.twin = self.twin or data
            name = f"{below}{stem}-{number}.{suffix}"
            made[name] = data
            source.parts[f"{source.folder}/{name}"] = part
        (name, data), *_ = made.items()
        if source.problem == "original":
            expected.originals[hashlib.sha256(data).hexdigest()] = source.id
        elif source.problem in {"truncated", "broken"}:
            source.parts.clear()
            made = _spoiled(name, data, source.problem, self.rng)
        elif source.problem == "pointer":
            made[f"{below}large.{name.rsplit('.', 1)[1]}"] = _lfs(data)
        elif source.problem != "identical" and source.format != "parquet":
            made = self._packed(source, made)
        return made

    def _packed(self, source: Source, made: dict[str, bytes]) -> dict[str, bytes]:
        """Compress files, or put them into an archive, or leave them."""
        way = self.rng.choice(("plain", "plain", *_PACKERS, "zip", "tar.gz"))
        if way == "plain":
            return made
        if way in _PACKERS:
            source.parts = {f"{path}.{way}": part for path, part in source.parts.items()}
            return {f"{path}.{way}": _PACKERS[way](data) for path, data in made.items()}
        source.parts = {
            f"{source.folder}/all.{way}!/{path.removeprefix(source.folder + '/')}": part
            for path, part in source.parts.items()
        }
        return {f"all.{way}": _zip(made) if way == "zip" else _tar(made)}

    def _describe(self, source: Source, files: dict[str, bytes]) -> None:
        rng, folder, licence = self.rng, source.folder, source.licence or ""
        title = f"# {folder.rsplit('/', 1)[-1].title()}\n\nSome records that were made for a test.\n"
        stated = title + "\n" + rng.choice(_SENTENCES).format(rng.choice(_TITLES.get(licence, ("",)))) + "\n"
        if source.layout == "card":
            self._put(f"{folder}/README.md", _card(licence) + title)
        elif source.layout == "unrecognised":
            self._put(f"{folder}/README.md", _card("other") + title)
        elif source.layout == "readme":
            self._put(f"{folder}/README.md", stated)
        elif source.layout == "bare":
            self._put(f"{folder}/README.md", title)
        elif source.layout == "lent":
            self._put(f"{folder}/README.md", title)
            self._put(f"{folder}/hf/README.md", _card(licence) + title)
        elif source.layout == "licence-file":
            self._put(f"{folder}/README.md", title)
            self._put(f"{folder}/{rng.choice(('LICENSE', 'LICENCE.txt', 'COPYING'))}", _licence_text(licence))
        elif source.layout == "shelf":  # the licence stands in the folder above
            self._put(f"{folder}/README.md", title)
            self._put(f"{folder.rsplit('/', 1)[0]}/LICENSE", _licence_text(licence))
        elif source.layout == "data-licence":
            self._put(f"{folder}/README.md", title)
            self._put(f"{folder}/LICENSE", _licence_text("MIT"))
            self._put(f"{folder}/DATA_LICENSE", _licence_text(licence))
        elif source.layout == "disagreeing":
            one, two = rng.sample(("CC-BY-NC-4.0", "CC-BY-4.0"), 2)
            self._put(f"{folder}/README.md", f"{title}\nThe data is licensed under {_TITLES[one][0]}.\n")
            self._put(f"{folder}/LICENSE", _licence_text(two))
        elif source.layout == "native":
            self._put(f"{folder}/provenance.yaml", _dumped({"provenance": 1, "sources": [_native(source, files)]}))
        elif source.layout == "native-above":
            self.above.append(_native(source, files) | {"path": folder})


def _card(licence: str) -> str:
    return f"---\nlicense: {licence.lower()}\npretty_name: Made for a test\n---\n\n"


def _licence_text(licence: str) -> str:
    if licence in _TEXTS:
        return _TEXTS[licence].read_text(encoding="utf-8")
    return f"The records are licensed under {_TITLES[licence][-1]}.\n"


def _dumped(manifest: dict[str, object]) -> str:
    return str(yaml.safe_dump(manifest, allow_unicode=True, sort_keys=False))


def _native(source: Source, files: dict[str, bytes]) -> dict[str, object]:
    digests = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
    names = sorted(files)
    if source.problem == "mismatch":
        digests[names[0]] = hashlib.sha256(b"an earlier version").hexdigest()
    if source.problem == "absent":
        names.append("lost.jsonl")
    said: dict[str, object] = {"upstream": [source.upstream]} if source.upstream else {}
    said |= _origin(source)
    return {"id": source.id, "licence": source.licence, "files": names, "sha256": digests, **said}


def _origin(source: Source) -> dict[str, object]:
    """Say where a source is from, as far as its problem lets it."""
    if source.problem == "no-origin":
        return {}
    if source.problem == "no-kind":
        return {"owner": "Somebody"}
    if source.problem in _DOCUMENTS:
        return {"kind": source.problem}
    kind = source.problem.removeprefix("documented ") if source.problem.startswith("documented ") else "open-licence"
    paper = {"sha256": hashlib.sha256(b"signed").hexdigest()}
    documents: dict[str, dict[str, object]] = {
        "commercial": {"contract": paper | {"until": "2030"}, "acquired": "2026-02-03"},
        "private-third-party": {"contract": [{"scope": "an offer"}, paper]},
        "user": {"consent": paper | {"basis": "opt-in"}, "personal_data": {"contains": "personal"}},
        "synthetic": {"generator": {"name": "A model", "version": "1.2", "acquired": "2025-11"}},
    }
    return {"kind": kind, **documents.get(kind, {"url": f"https://example.org/{source.id}"})}


def _rows(records: list[Record], rng: random.Random) -> Iterator[dict[str, str]]:
    """Yield records as rows with columns in any order and some that are no text."""
    keys, meta = rng.choice(_KEYS), rng.sample(_META, rng.randint(0, 2))
    order = rng.sample(range(3 + len(meta)), 3 + len(meta))
    for number, record in enumerate(records):
        cells = [*zip(keys, record.parts, strict=True), *((name, value.format(number)) for name, value in meta)]
        yield dict(cells[place] for place in order)


def _written(records: list[Record], form: str, rng: random.Random) -> tuple[bytes, str]:
    """Write records in a format; return the bytes and a suffix."""
    if form == "txt":
        return "\n\n".join("\n".join(filter(None, record.parts)) for record in records).encode() + b"\n", "txt"
    rows = list(_rows(records, rng))
    if form == "chat":
        return _lines([_chat(record) for record in records]), "jsonl"
    if form == "jsonl":
        return _lines(rows), "jsonl"
    if form == "json":
        value = rng.choice((rows, {"version": "1.0", "data": rows}))
        return json.dumps(value, ensure_ascii=rng.random() < 0.5, indent=rng.choice((None, 2))).encode(), "json"
    if form == "parquet":
        sink = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), sink)
        return sink.getvalue(), "parquet"
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter="\t" if form == "tsv" else ",", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(), form


def _chat(record: Record) -> object:
    question, more, reply = record.parts
    asked = {"role": "user", "content": f"{question}\n{more}".strip()}
    return {"messages": [asked, {"role": "assistant", "content": reply}]}


def _lines(values: list[dict[str, str]] | list[object]) -> bytes:
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values).encode()


def _spoiled(name: str, data: bytes, problem: str, rng: random.Random) -> dict[str, bytes]:
    if problem == "truncated":
        way = rng.choice(("gz", "xz", "bz2", "zst"))
        packed = _PACKERS[way](data)
        return {f"{name}.{way}": packed[: rng.randint(len(packed) // 3, len(packed) - 12)]}
    lines = data.splitlines(keepends=True)
    lines[rng.randrange(1, len(lines))] = b'{"instruction": "the line ends in the mid\n'
    return {name: b"".join(lines)}


def _lfs(data: bytes) -> bytes:
    digest = hashlib.sha256(data).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(data) * 1000}\n".encode()


def _zip(files: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(zipfile.ZipInfo(path), data, zipfile.ZIP_DEFLATED)
    return sink.getvalue()


def _tar(files: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as archive:
        for path, data in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return sink.getvalue()


def _foresee(sources: list[Source], expected: Expectation) -> None:
    """Say what must be found, from what was written and nothing else."""
    for source in sources:
        expected.licences[source.id] = source.licence
        if source.problem not in {"truncated", "broken"}:
            expected.records[source.id] = len(source.records)
        for check, severity in _faults(source):
            expected.findings.add((check, severity, source.id, None))
    twins = sorted((next(iter(source.parts)), source.id) for source in sources if source.problem == "identical")
    if twins:
        expected.findings.add(("identical-files", "note", twins[0][1], twins[1][1]))
    for one, two in itertools.combinations(sources, 2):
        expected.findings |= set(_lineage(one, two))
    for one, two in itertools.permutations(sources, 2):
        counts = {view: _shared(one, two, view) for view in ("whole", "prompt")}
        for view, count in counts.items():
            if count:
                expected.overlaps[view, one.id, two.id] = count
        declared = two.layout.startswith("native") and two.upstream == one.id
        if declared or one.problem == "original" or max(_shared(one, two, view, WORDS) for view in counts) < RECORDS:
            continue
        share = max(_share(a, b) for view in counts for a, b in _files_of(one, two, view))
        assert share >= SHARE, "what is planted is never near a threshold"
        if one.licence and two.licence and LEVELS[one.licence] < LEVELS[two.licence]:
            expected.findings.add(("licence-conflict-by-content", "error", one.id, two.id))
        elif one.licence and not two.licence:
            expected.findings.add(("twin-unlicensed", "note", one.id, two.id))


def _lineage(one: Source, two: Source) -> Iterator[tuple[str, str, str, str | None]]:
    """Yield what must be said of two sources that share text, whatever their licences: who has it from whom is not known."""
    sides = ((one, two), (two, one))
    named = {(a, b): a.layout.startswith("native") and a.upstream == b.id for a, b in sides}
    rank = {(a, b): 2 if named[a, b] == named[b, a] else 0 if named[a, b] else 3 for a, b in sides}
    renewed = {(a, b): list(_renewed(a, b)) for a, b in sides}
    asked = [(rank[side], -max(renewed[side])[0], -sum(count for _, count in renewed[side]), side[0].id, side[1].id)
             for side in sides if renewed[side]]  # fmt: skip
    if asked:
        _, share, count, source, other = min(asked)
        told = any(named.values()) or (one if one.id == source else two).layout not in {
            "native",
            "native-above",
            "none",
        }
        if -count >= RECORDS and -share >= SHARE:
            yield "prompt-copied", "note" if told or -share < 0.5 else "warning", source, other
    counts = {(a, b): _shared(a, b, "whole", WORDS) for a, b in sides}
    shares = {side: count / len(side[0].records) for side, count in counts.items()}
    kept = any(a.problem == "original" and _level(b) >= _level(a) for a, b in sides)
    twins = one.problem == two.problem == "identical"  # said of their files
    if max(counts.values()) < RECORDS or max(shares.values()) < 0.5 or any(named.values()) or kept or twins:
        return
    a, b = min(shares, key=lambda side: (side[0].problem == "original", -shares[side], side[0].id))
    yield "lineage-undeclared", "note", a.id, b.id


def _level(source: Source) -> int:
    return LEVELS[source.licence] if source.licence else -1


def _renewed(one: Source, two: Source) -> Iterator[tuple[float, int]]:
    """Yield share and number of the prompts of each file that stand elsewhere, if most have another answer there."""
    if one.problem == "original" or "txt" in {one.format, two.format} or not _shared(one, two, "prompt", WORDS):
        return
    there = [set(_numbers(two, two.records, view)) for view in ("prompt", "whole")]
    for part in one.parts.values():
        asked = [record for record in part if record.words[0] >= WORDS and record.prompt in there[0]]
        fresh = sum(record.whole not in there[1] for record in asked)
        if fresh > len(asked) - fresh:
            yield fresh / len(part), fresh


def _faults(source: Source) -> Iterator[tuple[str, str]]:
    if source.licence == "CC-BY-NC-4.0":
        yield "licence-forbids-purpose", "error"
    by_layout = {
        "bare": ("licence-missing", "error"),
        "none": ("source-undeclared", "error"),
        "disagreeing": ("licence-conflict-between-witnesses", "warning"),
        "unrecognised": ("licence-unrecognised", "warning"),
    }
    by_problem = {
        "truncated": ("file-unreadable", "warning"),
        "broken": ("file-unreadable", "warning"),
        "pointer": ("file-unreadable", "warning"),
        "mismatch": ("checksum-mismatch", "error"),
        "absent": ("file-declared-absent", "error"),
        "repeated": ("duplicate-records", "warning"),
    }
    by_problem |= _DOCUMENTS | {
        "no-origin": ("origin-undocumented", "warning"),
        "no-kind": ("origin-undocumented", "note"),
    }
    if source.problem == "crawl":
        yield "record-origin-missing", "warning"
        yield "signals-not-evaluated", "note"
    found = (by_layout.get(source.layout), by_problem.get(source.problem))
    yield from (each for each in found if each)


def _numbers(source: Source, records: list[Record], view: str, least: int = 0) -> Counter[str]:
    """Count the texts of some records that have a view and enough words."""
    if view == "prompt":
        asked = [] if source.format == "txt" else records
        return Counter(record.prompt for record in asked if record.words[0] >= least)
    return Counter(record.whole for record in records if record.words[1] >= least)


def _shared(one: Source, two: Source, view: str, least: int = 0) -> int:
    if {one.problem, two.problem} & {"truncated", "broken"}:
        return 0  # nobody copies from them, and they hold no boilerplate
    there = _numbers(two, two.records, view)
    return sum(count for number, count in _numbers(one, one.records, view, least).items() if number in there)


def _files_of(one: Source, two: Source, view: str) -> Iterator[tuple[Counter[str], Counter[str]]]:
    for a, b in itertools.product(one.parts.values(), two.parts.values()):
        yield _numbers(one, a, view), _numbers(two, b, view)


def _share(one: Counter[str], two: Counter[str]) -> float:
    """Return the share of either file that stands in the other, boilerplate aside, where it is higher."""
    common = {number for number in one.keys() & two.keys() if not number.startswith("s")}
    shares = [sum(each[n] for n in common) / max(1, each.total()) for each in (one, two)]
    return max(shares)
