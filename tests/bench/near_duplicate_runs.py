"""Near-duplicate runs of ours and of peers on the same files: what is written, how each is run, what each links."""

import json
import os
import pickle
import struct
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from provenance.similarity.candidates import minhash
from provenance.similarity.text import shingles

BANDS, ROWS = minhash.BANDS, minhash.ROWS_PER_BAND
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "DO_NOT_TRACK": "1", "DAFT_ANALYTICS_ENABLED": "0"}


@cache
def missing(*names):
    """Say why a peer cannot be measured; None if it can. In a process of its own: text-dedup changes the one it is in."""
    command = [sys.executable, "-c", "; ".join(f"import {name}" for name in names)]
    done = subprocess.run(command, env=os.environ | OFFLINE, capture_output=True, text=True, check=False)
    return done.stderr.strip().splitlines()[-1] if done.returncode else None


def size_of(texts):
    return pc.sum(pc.binary_length(texts)).as_py()


# --------------------------------------------------------------------------------------------- whole near-duplicate run

FILES = 4


def write(folder, prose, language, size):
    """Write four files of two sources; of ten records one is a copy and one a variant of one in the file before.

    Returns:
        Bytes of text, texts by file, and what was planted: (kind, file, row, file, row).
    """
    made = prose(language, 5)
    usual = made.texts(500)
    each = max(int(size / size_of(usual) * len(usual)) // FILES, 40)
    share = each // 10
    columns, planted = [], []
    for file in range(FILES):
        texts = made.texts(each)
        if file:
            before = columns[-1]
            near = pc.binary_join_element_wise(before[share * 5 : share * 6], made.texts(share, 8), " ")
            texts = pa.concat_arrays([texts[: each - 2 * share], before[share * 4 : share * 5], near])
            planted += [("copy", file, each - 2 * share + k, file - 1, share * 4 + k) for k in range(share)]
            planted += [("near", file, each - share + k, file - 1, share * 5 + k) for k in range(share)]
        columns.append(texts)
        path = folder / f"source-{file % 2}" / f"{file:05d}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            "".join(
                json.dumps({"id": f"{file}/{row}", "text": text}, ensure_ascii=False) + "\n"
                for row, text in enumerate(texts.to_pylist())
            ),
            encoding="utf-8",
        )
    return sum(map(size_of, columns)), columns, planted


def spaced(columns, folder):
    """Write the same records with spaces between Chinese characters, for who cuts words at spaces."""
    for file, texts in enumerate(columns):
        path = folder / f"source-{file % 2}" / f"{file:05d}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            "".join(
                json.dumps({"id": f"{file}/{row}", "text": " ".join(text)}, ensure_ascii=False) + "\n"
                for row, text in enumerate(texts.to_pylist())
            ),
            encoding="utf-8",
        )


OURS = Path(__file__).with_name("stepwise.py")

TEXT_DEDUP = ["--split", "train", "--column", "text", "--ngram", "5", "--num_proc", "2", "--debug"]
AS_OURS = ["--num_perm", BANDS * ROWS, "--b", BANDS, "--r", ROWS, "--hash_func", "xxh3", "--hash_bits", "32"]

DATATROVE = """
import sys
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup.minhash import (
    MinhashConfig, MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature,
)
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter

data, work, language, files, bands, rows = *sys.argv[1:4], *map(int, sys.argv[4:7])

def run(tasks, *steps):
    LocalPipelineExecutor(list(steps), tasks=tasks, workers=2, skip_completed=False, logging_dir=f"{work}/logs-{len(done)}").run()
    done.append(tasks)

if __name__ == "__main__":
    done = []
    config = MinhashConfig(n_grams=5, num_buckets=bands, hashes_per_bucket=rows)
    reader = JsonlReader(data, recursive=True, glob_pattern="**/*.jsonl")
    run(files, reader, MinhashDedupSignature(f"{work}/signatures", config, language=language))
    run(bands, MinhashDedupBuckets(f"{work}/signatures", f"{work}/buckets", config=config))
    run(1, MinhashDedupCluster(f"{work}/buckets", f"{work}/clusters", config=config, save_cluster_id=True))
    run(files, reader, MinhashDedupFilter(f"{work}/clusters"), JsonlWriter(f"{work}/kept", compression=None))
"""


RUN = """
import ctypes, json, os, resource, subprocess, sys, time
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: who outlives its parent is waited for here
with open("said", "wb") as said:
    start = time.perf_counter()
    code = subprocess.run(sys.argv[1:], stdout=said, stderr=said, stdin=subprocess.DEVNULL).returncode
    wall = time.perf_counter() - start
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([wall, used.ru_utime + used.ru_stime, code]))
"""


class Took(NamedTuple):
    """What a command took, and its last words where it failed."""

    wall: float
    busy: float
    failed: str | None = None


def run(command, folder):
    """Run a command in a folder of its own, and all the processes it starts."""
    folder.mkdir(parents=True, exist_ok=True)
    env = os.environ | OFFLINE | {
        "PROVENANCE_CONFIG": str(folder / "config"), "TMPDIR": str(folder), "HF_HOME": str(folder / "hf"),
        "TOKENIZERS_PARALLELISM": "false",
    }  # fmt: skip
    command = [sys.executable, "-c", RUN, sys.executable, *map(str, command)]
    wall, busy, code = json.loads(
        subprocess.run(command, cwd=folder, env=env, stdout=subprocess.PIPE, check=True).stdout
    )
    said = (folder / "said").read_text("utf-8", "replace").strip().splitlines()
    return Took(wall, busy, None if code == 0 else (said[-1] if said else f"exit code {code}"))


def ours(data, folder):
    return run([OURS, data, folder / "took.json"], folder)


def ours_linked(folder, _texts):
    """Components of records that our matches link."""
    matches = pq.read_table(folder / "took.parquet", columns=["view", "path_a", "row_a", "path_b", "row_b"])
    matches = matches.filter(pc.equal(matches["view"], "whole"))
    a, b = (
        [
            (int(Path(path).stem), row)
            for path, row in zip(matches[f"path_{end}"].to_pylist(), matches[f"row_{end}"].to_pylist(), strict=True)
        ]
        for end in "ab"
    )
    return components(zip(a, b, strict=True))


def components(pairs):
    """The representative of every record that is in a pair."""
    root = {}

    def find(node):
        while root.setdefault(node, node) != node:
            root[node] = root[root[node]]
            node = root[node]
        return node

    for a, b in pairs:
        root[find(a)] = find(b)
    return {node: find(node) for node in list(root)}


def text_dedup(data, folder, options):
    options = [
        "--data_files",
        data / "*" / "*.jsonl",
        "--cache_dir",
        folder / "cache",
        "--output",
        folder / "out",
        *options,
    ]
    return run(["-m", "text_dedup.minhash", "--path", "json", *TEXT_DEDUP, *options], folder)


def text_dedup_linked(folder, columns):
    with (folder / "out" / "uf.pkl").open("rb") as file:
        parent = pickle.load(file)  # noqa: S301 - written by the run above
    # rows are numbered through the files, sorted by their paths
    order = sorted(range(FILES), key=lambda file: f"source-{file % 2}/{file:05d}")
    places = [(file, row) for file in order for row in range(len(columns[file]))]
    parent = getattr(parent, "parent", parent)
    return components((places[a], places[b]) for a, b in parent.items())


def datatrove(data, folder, language):
    return run(
        ["-c", DATATROVE, data, folder / "work", {"english": "eng", "chinese": "zho"}[language], FILES, BANDS, ROWS],
        folder,
    )


def datatrove_linked(folder, columns):
    order = sorted(range(FILES), key=lambda file: f"source-{file % 2}/{file:05d}")
    pairs, first = [], {}
    for rank, file in enumerate(order):
        path = folder / "work" / "clusters" / f"{rank:06d}.clusters"
        for place, cluster in struct.iter_unpack("<2I", path.read_bytes() if path.exists() else b""):
            pairs.append(((file, place), first.setdefault(cluster, (file, place))))
    return components(pairs)


def share_found(linked, planted, kind):
    some = [(linked.get((a, i)), linked.get((b, j))) for what, a, i, b, j in planted if what == kind]
    return sum(x is not None and x == y for x, y in some) / len(some)


def disagreements(theirs, mine, columns):
    """Of records that they cluster: how many pairs with the cluster's first stand in different files, and lack in ours.

    Only pairs at Jaccard 0.8 or more of our shingles: lower ones are not near by our definition, and are counted apart.
    """
    cut, first = {}, {}
    near = lower = lost = 0
    for node, cluster in sorted(theirs.items()):
        other = first.setdefault(cluster, node)
        if other[0] == node[0]:
            continue
        for each in (node, other):
            if each not in cut:
                cut[each] = set(shingles.shingles_reference(columns[each[0]][each[1]].as_py()))
        jaccard = len(cut[node] & cut[other]) / len(cut[node] | cut[other])
        if jaccard < 0.8:
            lower += 1
            continue
        near += 1
        lost += mine.get(node, node) != mine.get(other, other)
    return near, lower, lost
