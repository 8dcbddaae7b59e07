"""The bars of speed, beside what others use for the same work on the same text. Prints tables; asserts no time.

pip install -e '.[bench]' && python -m pytest -m full -s tests/bench/test_peers.py

A peer that is not installed is named with the reason and has no number. Ours and the peers take turns in one run, so that
what else the machine does slows all of them; a ratio is the median of the ratios of the turns. What is compared is that
the results agree: signatures bit by bit with datasketch, near-duplicates with the clusters of text-dedup and datatrove.
"""

import contextlib
import json
import os
import pickle
import statistics
import struct
import subprocess
import sys
import time
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import xxhash
from datasketch import MinHash

from provenance.similarity.candidates import minhash
from provenance.similarity.text import normalisation, shingles

pytestmark = pytest.mark.full

LANGUAGES = ("english", "chinese")
TURNS = 5
PERMUTATIONS = 128
BANDS, ROWS = minhash.BANDS, minhash.ROWS
SIZE = int(os.environ.get("PROVENANCE_BENCH_MB", "64")) * 1_000_000
SMALL = 2_000_000  # bytes that datasketch and rensa sign a turn
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "DO_NOT_TRACK": "1", "DAFT_ANALYTICS_ENABLED": "0"}


@cache
def missing(*names):
    """Say why a peer cannot be measured; None if it can. In a process of its own: text-dedup changes the one it is in."""
    command = [sys.executable, "-c", "; ".join(f"import {name}" for name in names)]
    done = subprocess.run(command, env=os.environ | OFFLINE, capture_output=True, text=True, check=False)
    return done.stderr.strip().splitlines()[-1] if done.returncode else None


def elsewhere(package):
    """Say why an installed peer is not driven by this benchmark."""
    if package == "text-dedup" and version(package) != "0.4.0":
        return f"its command line is another in {version(package)} than in 0.4.0, which needs no Python 3.12"
    return None


def versions(*packages):
    """Print what is compared: a package and its version, where it is installed."""
    said = []
    for package in packages:
        with contextlib.suppress(PackageNotFoundError):
            said.append(f"{package} {version(package)}")
    print(f"\nPython {sys.version.split()[0]}, {', '.join(said)}")


def row(*cells):
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


@pytest.fixture(scope="module")
def readme():
    """Collect a line a peer and a cell a language; print them at the end as the README has them."""
    lines = {}
    yield lambda name, language, cell: lines.setdefault(name, {}).update({language: cell})
    print("\n\nFor the README\n")
    row("what", *map(str.capitalize, LANGUAGES))
    row(*["---"] * 3)
    for name, cells in lines.items():
        row(name, *(cells.get(language, "") for language in LANGUAGES))


def size_of(texts):
    return pc.sum(pc.binary_length(texts)).as_py()


# ---------------------------------------------------------------------------------------------------------- signatures


def split(each, language):
    """Words as people cut them: no normalisation, a Chinese character is a word."""
    return list(each) if language == "chinese" else each.split()


def five(each, language):
    parts = split(each, language)
    return [" ".join(parts[k : k + 5]) for k in range(max(len(parts) - 4, 1))]


def low(shingle):
    return xxhash.xxh64_intdigest(shingle) & 0xFFFFFFFF


def datasketch(texts, language, **options):
    for each in texts:
        signature = MinHash(PERMUTATIONS, scheme="affine32", **options)
        signature.update_batch([shingle.encode() for shingle in five(each, language)])


def r_minhash(texts, language):
    from rensa import RMinHash

    RMinHash.digest_matrix_from_token_sets([five(each, language) for each in texts], PERMUTATIONS, 42)


def c_minhash(texts, language):
    from rensa import CMinHash

    CMinHash.digests_from_token_sets([five(each, language) for each in texts], PERMUTATIONS, 42)


DAFT = """
import os, sys, time
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
import daft, pyarrow.parquet as pq
from daft import col

text = pq.read_table(sys.argv[1])
frame = daft.from_arrow(text).collect()
plain, normal = col("text"), col("text").normalize(remove_punct=True, lowercase=True, nfd_unicode=True, white_space=True)
for line in sys.stdin:
    column = normal if line.strip() == "normalised" else plain
    start = time.process_time()
    signed = frame.select(column.minhash(num_hashes=128, ngram_size=5, hash_function="xxhash64").alias("signed")).collect()
    print(time.process_time() - start, len(signed), flush=True)
"""


class Daft:
    """Daft in a process of its own, which has one core."""

    def __init__(self, texts, folder, language):
        # Daft cuts at spaces: Chinese gets one between two characters, before time is taken
        spaced = texts if language == "english" else pc.replace_substring_regex(texts, r"(\P{Zs})", r"\1 ")
        pq.write_table(pa.table({"text": spaced}), folder / f"{language}.parquet")
        self._process = subprocess.Popen(
            [sys.executable, "-c", DAFT, folder / f"{language}.parquet"],
            env=os.environ | OFFLINE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._count = len(texts)

    def seconds(self, what):
        print(what, file=self._process.stdin, flush=True)
        seconds, count = self._process.stdout.readline().split()
        assert int(count) == self._count
        return float(seconds)

    def close(self):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


def took(function):
    start = time.process_time()
    function()
    return time.process_time() - start


@pytest.mark.parametrize("language", LANGUAGES)
def test_signatures(tmp_path, prose, readme, language):
    texts = prose(language).texts(22_000)
    size = size_of(texts)
    column = texts.cast(pa.large_string())
    few = texts.to_pylist()[: len(texts) * SMALL // size]
    small = sum(len(each.encode()) for each in few)
    reasons = {name: missing(name) for name in ("daft", "rensa")}
    daft = None if reasons["daft"] else Daft(texts, tmp_path, language)
    peers = {
        "datasketch 2 affine32, sha1 (its default)": (lambda: took(lambda: datasketch(few, language)), small, None),
        "datasketch 2 affine32, XXH64": (lambda: took(lambda: datasketch(few, language, hashfunc=low)), small, None),
        "rensa R-MinHash": (lambda: took(lambda: r_minhash(few, language)), small, reasons["rensa"]),
        "rensa C-MinHash": (lambda: took(lambda: c_minhash(few, language)), small, reasons["rensa"]),
        "Daft minhash, pinned to one core": (lambda: daft.seconds("plain"), size, reasons["daft"]),
        "Daft normalize + minhash, pinned to one core": (lambda: daft.seconds("normalised"), size, reasons["daft"]),
    }
    peers = {name: peer for name, peer in peers.items() if peer[2] is None}
    rates = {name: [] for name in ("ours", *peers)}
    for turn in range(TURNS + 1):
        for name, (seconds, of, _) in {
            "ours": (
                lambda: took(lambda: minhash.signatures(*normalisation.normalise(column), PERMUTATIONS)),
                size,
                None,
            ),
            **peers,
        }.items():
            rate = of / 1e6 / seconds()
            if turn:  # the first one compiles, or warms up
                rates[name].append(rate)
    if daft:
        daft.close()
    versions("numba", "datasketch", "rensa", "daft")
    print(
        f"\nSignatures, {language}: {PERMUTATIONS} permutations, word 5-grams, {size / len(texts):.0f} bytes a record, one core\n"
    )
    row("signatures", "MB/s", "ours is times")
    row("---", "---", "---")
    rate = f"{statistics.median(rates['ours']):.1f}"
    row("**normalise + signatures**", rate, "")
    readme("**signatures**, one core, normalised", language, f"{rate} MB/s")
    for name in peers:
        ratio = statistics.median(ours / theirs for ours, theirs in zip(rates["ours"], rates[name], strict=True))
        rate = f"{statistics.median(rates[name]):.1f}"
        row(name, rate, f"{ratio:.1f}")
        readme(name, language, f"{rate} MB/s, ours {ratio:.1f} times")
    for name, reason in reasons.items():
        if reason:
            row(name, "not measured", reason)
            readme(name, language, f"not measured: {reason}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_signatures_agree(prose, language):
    """Bit by bit with datasketch; and where bits cannot agree, estimates of Jaccard are as good as theirs."""
    made = prose(language, 3)
    texts = made.texts(300, 80)
    tails = made.texts(300, 40)
    longer = pc.binary_join_element_wise(texts, tails, " ")
    cut = [[*map(shingles.shingles_reference, column.to_pylist())] for column in (texts, longer)]
    signed = [
        minhash.signatures(*normalisation.normalise(column.cast(pa.large_string())), PERMUTATIONS)
        for column in (texts, longer)
    ]
    theirs = [np.array([sketch(each) for each in column]) for column in cut]
    for ours, other in zip(signed, theirs, strict=True):
        assert (ours == other).all()
    true = np.array([len({*a} & {*b}) / len({*a} | {*b}) for a, b in zip(*cut, strict=True)])
    estimates = {"ours": (signed[0] == signed[1]).mean(1)}
    if not missing("rensa"):
        from rensa import CMinHash, RMinHash

        for kind in (RMinHash, CMinHash):
            digests = [np.array(kind.digests_from_token_sets(column, PERMUTATIONS, 42)) for column in cut]
            estimates[f"rensa {kind.__name__}"] = (digests[0] == digests[1]).mean(1)
    print(f"\nMean error of the estimate of Jaccard, {language}, 300 pairs:", end=" ")
    for name, estimate in estimates.items():
        error = np.abs(estimate - true).mean()
        print(f"{name} {error:.3f};", end=" ")
        assert error < 0.06  # the standard deviation of 128 draws at Jaccard 1/2 is 0.044
    print()


def sketch(shingles_):
    signature = MinHash(PERMUTATIONS, scheme="affine32", hashfunc=low)
    signature.update_batch([shingle.encode() for shingle in shingles_])
    return signature.hashvalues


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


class Runs(NamedTuple):
    """Turns of one command, each on hardly anything, which is its start, and on data."""

    size: int
    turns: list[tuple[Took, Took]]

    def rates(self, clock):
        """MB/s beyond the start, by `wall` or by `busy`: the processor's time, of all processes together."""
        seconds = (getattr(done, clock) - getattr(start, clock) for start, done in self.turns)
        return [self.size / 1e6 / max(each, 1e-3) for each in seconds]

    def middle(self, clock):
        return statistics.median(self.rates(clock))

    def times(self, other, clock):
        """How many times as fast as another that took turns with this one."""
        return statistics.median(a / b for a, b in zip(self.rates(clock), other.rates(clock), strict=True))

    @property
    def start(self):
        return statistics.median(start.wall for start, _ in self.turns)

    @property
    def failed(self):
        return next((each.failed for turn in self.turns for each in turn if each.failed), None)


SCAN = "**whole scan**, two processes, beyond its start"


def cut_and_signed(columns):
    """Processor seconds of what similarity takes before anything is compared."""
    column = pa.concat_arrays(columns).cast(pa.large_string())
    rows = pa.array(range(len(column)))
    return took(lambda: minhash.band_keys(minhash.sign(*shingles.shingled(column, rows)[1:])))


@pytest.mark.parametrize("language", LANGUAGES)
def test_near_duplicates(tmp_path, prose, readme, language):
    chinese = language == "chinese"
    grams = "characters, spaced beforehand" if chinese else "words"
    peers = {
        # peer: what its 5-grams are of, what it needs, megabytes, how it runs, how its clusters are read
        "text-dedup, XXH3 and our bands": (
            grams, ("text_dedup.minhash",), 20, partial(text_dedup, options=AS_OURS), text_dedup_linked,
        ),
        "text-dedup, as it comes": (
            grams, ("text_dedup.minhash",), 10, partial(text_dedup, options=[]), text_dedup_linked,
        ),
        "datatrove, our bands": (
            f"words of spaCy{' and jieba' if chinese else ''}",
            ("datatrove.pipeline.dedup.minhash", "spacy", "orjson", "xxhash", "regex", *(["jieba"] if chinese else [])), 6,
            partial(datatrove, language=language), datatrove_linked,
        ),
    }  # fmt: skip
    tiny, large, out = (tmp_path / name for name in ("tiny", "large", "ours"))
    spaced(write(tiny / "data", prose, language, 0)[1], tiny / "spaced")
    size, columns, planted = write(large, prose, language, SIZE)
    ours(tiny / "data", tmp_path / "warm")  # kernels are compiled once
    whole, steps, rows, notes = Runs(size, []), [], [], []
    readme(SCAN, language, "")  # stands before the peers

    def once_more():
        turn = ours(tiny / "data", tmp_path / "start"), ours(large, out)
        steps.append(json.loads((out / "took.json").read_text())["busy"])
        return turn

    whole.turns.append(once_more())
    signed = statistics.median(cut_and_signed(columns) for _ in range(3))
    for place, (name, (grams, needs, megabytes, start, read)) in enumerate(peers.items()):
        why = missing(*needs) or elsewhere(name.split(",")[0])
        if why:
            rows.append([name, f"not measured: {why}"])
            readme(name, language, rows[-1][1])
            continue
        folder = tmp_path / str(place)
        some, texts, held = write(folder / "data", prose, language, megabytes * 1_000_000)
        spaced(texts, folder / "spaced")
        form = "spaced" if "spaced" in grams else "data"
        mine, same, theirs = Runs(size, []), [], Runs(some, [])
        for turn in range(3):
            mine.turns.append(once_more())
            theirs.turns.append(
                (start(tiny / form, folder / f"start-{turn}"), start(folder / form, folder / f"theirs-{turn}"))
            )
            same.append(theirs.turns[-1][1].wall / ours(folder / "data", folder / "ours").wall)
        whole.turns.extend(mine.turns)
        if theirs.failed:
            rows.append([name, f"not measured: {theirs.failed}"])
            readme(name, language, rows[-1][1])
            continue
        alone = size / 1e6 / (signed + statistics.median(each["comparing"] for each in steps))
        linked, own = read(folder / "theirs-0", texts), ours_linked(folder / "ours", texts)
        rows.append([
            f"{name} ({grams})", f"{some / 1e6:.0f}", f"{theirs.start:.1f}", f"{theirs.middle('wall'):.2f}", f"{theirs.middle('busy'):.2f}",
            f"{statistics.median(same):.1f}", f"{mine.times(theirs, 'wall'):.1f}", f"{mine.times(theirs, 'busy'):.1f}",
            f"{alone / theirs.middle('busy'):.0f}", *(f"{share_found(linked, held, kind):.1%}" for kind in ("copy", "near")),
        ])  # fmt: skip
        readme(
            name,
            language,
            f"{rows[-1][3]} MB/s, ours {rows[-1][6]} times, {rows[-1][7]} by processor time, similarity alone {rows[-1][8]}",
        )
        near, lower, lost = disagreements(linked, own, texts)
        notes.append(
            f"{name} clusters {near} pairs across files at Jaccard >= 0.8, of which we lack {lost}; {lower} below"
        )
        assert near >= len(held) / 4
        assert lost <= near / 100  # banding may miss 0.2 % at Jaccard 0.8
        assert share_found(own, held, "copy") == 1
        assert share_found(own, held, "near") > 0.99
    assert whole.failed is None
    readme(SCAN, language, f"{whole.middle('wall'):.1f} MB/s")
    spent = {step: statistics.median(each.get(step, 0) for each in steps) for step in steps[0]}
    alone = size / 1e6 / (signed + spent["comparing"])
    mine = ours_linked(out, columns)
    versions("numba", "text-dedup", "datatrove", "spacy", "jieba")
    print(f"""
Near-duplicates, {language}: two processes each; ours has {BANDS} bands of {ROWS}. Rates leave out the start, the same command on 160
records. Ours is a whole scan (it digests, looks for personal data, compares, judges); of it *similarity alone* is what cuts,
signs and compares, without the scratch files between. By processor: MB/s of processor time, all processes together, which other work on the machine disturbs less.
""")
    row("near-duplicates", "MB", "start s", "MB/s", "by processor", "ours is times, same data, start included",
        "ours is times", "by processor", "similarity alone, by processor", "copies found", "variants found")  # fmt: skip
    row(*["---"] * 11)
    row("**`pv.scan`**", f"{size / 1e6:.0f}", f"{whole.start:.1f}", f"{whole.middle('wall'):.1f}", f"{whole.middle('busy'):.1f}",
        "", "", "", "", *(f"{share_found(mine, planted, kind):.1%}" for kind in ("copy", "near")))  # fmt: skip
    row("of it similarity alone", "", "", "", f"{alone:.1f}", *[""] * 6)
    for cells in rows:
        row(*cells, *[""] * (11 - len(cells)))
    print("\nProcessor seconds of our scan:", ", ".join(f"{step} {seconds:.1f}" for step, seconds in spent.items()))
    print(f"Cut and signed in one process without the scan: {signed:.1f} s\n" + "\n".join(notes), flush=True)
