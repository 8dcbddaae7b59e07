"""Random sources on disk: their files in any format, their manifests and licences."""

from __future__ import annotations

import bz2
import csv
import gzip
import hashlib
import io
import json
import lzma
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from generated_sources import DOCUMENTS, Expectation, Record, Source

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

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


class Writer:
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
    if source.problem in DOCUMENTS:
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
