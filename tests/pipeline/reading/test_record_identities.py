"""What reading writes to scratch: of every record each shingle once, whatever its views."""

import json
import random
from pathlib import Path

import pytest

from provenance.core.model import VIEWS
from provenance.pipeline.reading.file_bundles import FileToRead, make_bundles
from provenance.pipeline.reading.read_pass import observe
from provenance.pipeline.reading.record_identities import sets_file
from provenance.similarity.text import shingles

RECORDS = 300
ROW_BYTES = 270
"""Of a record and view, beside its shingles: 21 keys of bands, hashes, places, file and row."""


def prose(kind, chance):
    if kind == "chinese":
        return "".join(chr(0x4E00 + chance.randrange(3000)) for _ in range(chance.randrange(2, 300)))
    return " ".join(f"word{chance.randrange(20_000)}" for _ in range(chance.randrange(1, 150)))


def make_records(kind):
    chance = random.Random(kind)  # noqa: S311 - a seed, not a secret
    for _ in range(RECORDS):
        if kind == "instruction":
            yield {"instruction": prose(kind, chance)[:200], "output": prose(kind, chance)}
        else:
            yield {"text": prose(kind, chance)}


def views_of(record):
    """The views of a record by the definition: shingles of each, in order of model.VIEWS."""
    if "text" in record:
        return [set(shingles.shingles_reference(record["text"]))]
    parts = record["instruction"], record["output"]
    return [set(shingles.shingles_reference(each)) for each in ("\n".join(parts), *parts)]


@pytest.mark.parametrize("kind", ["english", "instruction", "chinese"])
def test_every_shingle_of_a_record_is_written_once(tmp_path, kind):
    records = list(make_records(kind))
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(json.dumps(each, ensure_ascii=False) for each in records), "utf-8")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    file = FileToRead(path.name, str(path).encode(), "data", None, None, path.stat().st_size)
    (seen,) = [observe(bundle) for bundle in make_bundles([file], scratch)]
    views = [views_of(record) for record in records]
    distinct = sum(len(set().union(*each)) for each in views)
    masks = sum(-(-len(set().union(*each)) // 8) for each in views if any(view != each[0] for view in each))
    assert sets_file(scratch).stat().st_size == 8 * (distinct + masks)
    assert (masks > 0) == (kind == "instruction")
    rows = len(records) * len(views[0])
    written = {(kind, view): Path(name) for kind in ("parts", "sets") for view, name in getattr(seen, kind)}
    assert {view for _, view in written} == set(VIEWS[: len(views[0])])
    assert sum(name.stat().st_size for name in written.values()) < ROW_BYTES * rows
    # where every view has its own copy of its set, prompts and answers are written twice
    apart = sum(len(view) for each in views for view in each)
    assert (apart > 1.7 * distinct) == (kind == "instruction")
