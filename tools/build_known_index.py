"""Build `manifests/known/*.index`: hashes of well-known data sets, no text.

    python tools/build_known_index.py REALDATA [benchmarks]

reads original files below REALDATA/data. It builds an index a data set of hashes of whole texts, each file a part, and
one a benchmark of shingles of what its test asks, an item a question: answers are left out, and so are the parts that are
for training. With `benchmarks` it builds these alone. A file whose digest is not in `manifests/known/datasets.yaml` is
refused: what ships are facts on the originals alone.

An index that ships is for ever: ledgers name it by digest, and `reproduce` looks for it. What changes is a new file.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.core.digests import canonical, sha256
from provenance.origins import known_datasets
from provenance.pipeline import build_index
from provenance.readers import records
from provenance.similarity.index import hash_filter, reference_index, siphash
from provenance.similarity.text import shingles

ROOT = Path(__file__).parents[1]
MBPP = (("text", "instruction"), ("code", "answer"))
SETS = {  # id: files, one text in how many is kept, columns
    "gsm8k": ([f"benchmarks/gsm8k/grade_school_math/data/{part}.jsonl" for part in ("train", "test")], 1, ()),
    "human-eval": (["benchmarks/human_eval/data/HumanEval.jsonl.gz"], 1, ()),
    "mbpp": (["benchmarks/mbpp/mbpp.jsonl"], 1, MBPP),
    "stanford-alpaca": (["instruct/stanford_alpaca/alpaca_data.json"], 8, ()),
    "self-instruct": (["instruct/stanford_alpaca/seed_tasks.jsonl"], 1, ()),
    "gpteacher": (["instruct/gpteacher/Codegen/codegen-instruct.json"], 2, ()),
    "code-alpaca": ([f"instruct/codealpaca/data/{name}.json" for name in ("code_alpaca_2k", "new_codealpaca")], 2, ()),
    "tiny-shakespeare": (["text/tinyshakespeare/data/tinyshakespeare/input.txt"], 4, ()),
}


HUMAN_EVAL = (("prompt", "instruction"), ("canonical_solution", "answer"), ("test", "meta"))
MBPP_TEST = (*MBPP, ("test_list", "meta"), ("test_setup_code", "meta"), ("challenge_test_list", "meta"))
BENCHMARKS = {  # title: file, its records that are the test, columns
    "GSM8K (test part)": ("benchmarks/gsm8k/grade_school_math/data/test.jsonl", None, ()),
    "HumanEval (all tasks)": ("benchmarks/human_eval/data/HumanEval.jsonl.gz", None, HUMAN_EVAL),
    "MBPP (test part)": ("benchmarks/mbpp/mbpp.jsonl", (10, 510), MBPP_TEST),  # tasks 11 to 510, as its paper has it
}


def read_original(folder, file, name):
    path = folder / "data" / file
    assert known_datasets.known_by_digest()[sha256(path.read_bytes())].id == name, path
    return path


def build_known(folder):
    for name, (files, scale, columns) in SETS.items():
        paths = [read_original(folder, file, name) for file in files]
        target = ROOT / "manifests" / "known" / f"{name}.index"
        choice = build_index.IndexOptions("known", title=name, scale=scale, columns=columns)
        built = build_index.build_index(paths, target, choice, "tools/build_known_index.py")
        assert not built.unread, built.unread
        describe(target, built.index)


def build_benchmarks(folder):
    assert list(BENCHMARKS) == list(known_datasets.SHIPPED_BENCHMARKS)
    for title, (file, rows, columns) in BENCHMARKS.items():
        name = known_datasets.SHIPPED_BENCHMARKS[title]
        path = read_original(folder, file, name)
        target = ROOT / "manifests" / "known" / f"{name}-items.index"
        with tempfile.TemporaryDirectory() as place:
            choice = build_index.IndexOptions("benchmark", title=title, columns=columns)
            built = build_index.build_index([path], Path(place) / target.name, choice, "tools/build_known_index.py")
        assert not built.unread, built.unread
        table = built.index.table.filter(pc.equal(built.index.table["view"], "prompt"))
        number = pa.array([int(item.rsplit("#", 1)[1]) for item in table["item"].to_pylist()])
        first, last = rows or (0, len(number))
        table = table.filter(pc.and_(pc.greater_equal(number, first), pc.less(number, last)))
        about = {"kind": "benchmark", "title": title, "of": "shingles", "scale": "1", "key": built.index.key}
        about |= {"created-by": built.index.created_by, "files": canonical(list(built.index.files)).decode()}
        reference_index.write_index(target, table.combine_chunks(), about)
        describe(target, reference_index.read_index(target))


def build_filter(folder):
    """Write the filter of the benchmarks' hashes as they are before they are keyed."""
    raw, digests, wanted = [], [], []
    for title, (file, _, columns) in BENCHMARKS.items():
        name = known_datasets.SHIPPED_BENCHMARKS[title]
        index = reference_index.read_index(ROOT / "manifests" / "known" / f"{name}-items.index")
        digests.append(index.digest)
        wanted.append(index.table["hashes"].combine_chunks().flatten().to_numpy())
        path = read_original(folder, file, name)
        batches = records.read(str(path), path.name, roles=records.override_roles(columns))
        tables = [item.table for item in batches if isinstance(item, records.Batch)]
        raw += [shingles.shingle_texts(table["prompt"], table["row"]).values for table in tables]
    hashes, keyed = np.unique(np.concatenate(raw)), np.unique(np.concatenate(wanted))
    hashes = hashes[np.isin(siphash.siphash(hashes, reference_index.OPEN_KEY), keyed)]
    assert len(hashes) == len(keyed)
    target = ROOT / "manifests" / "known" / "items.npz"
    hash_filter.write_filter(target, hash_filter.make_filter(hashes, digests))
    print(target.name, len(hashes), "hashes,", target.stat().st_size, "bytes")


def describe(target, index):
    hashes = f"{index.count_hashes} {index.unit}"
    print(target.name, index.items, "items or parts,", hashes, target.stat().st_size, "bytes")


def main():
    folder = Path(sys.argv[1])
    if sys.argv[2:] != ["benchmarks"]:
        build_known(folder)
    build_benchmarks(folder)
    build_filter(folder)


if __name__ == "__main__":
    main()
