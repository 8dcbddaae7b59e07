"""The bars of speed, beside what others use for the same work on the same text. Prints tables; asserts no time.

pip install -e '.[bench]' && python -m pytest -m full -s tests/bench/test_peers.py

A peer that is not installed is named with the reason and has no number. Ours and the peers take turns in one run, so that
what else the machine does slows all of them; a ratio is the median of the ratios of the turns. What is compared is that
the results agree: signatures bit by bit with datasketch, near-duplicates with the clusters of text-dedup and datatrove.
"""

import contextlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from functools import partial
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

_SPEC = importlib.util.spec_from_file_location(
    "near_duplicate_runs", Path(__file__).with_name("near_duplicate_runs.py")
)
runs = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(runs)

pytestmark = pytest.mark.full

LANGUAGES = ("english", "chinese")
TURNS = 5
PERMUTATIONS = 128
SIZE = int(os.environ.get("PROVENANCE_BENCH_MB", "64")) * 1_000_000
SMALL = 2_000_000  # bytes that datasketch and rensa sign a turn


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
            env=os.environ | runs.OFFLINE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
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
    size = runs.size_of(texts)
    column = texts.cast(pa.large_string())
    few = texts.to_pylist()[: len(texts) * SMALL // size]
    small = sum(len(each.encode()) for each in few)
    reasons = {name: runs.missing(name) for name in ("daft", "rensa")}
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
                lambda: took(lambda: minhash.sign_records(*normalisation.normalise(column), PERMUTATIONS)),
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
        minhash.sign_records(*normalisation.normalise(column.cast(pa.large_string())), PERMUTATIONS)
        for column in (texts, longer)
    ]
    theirs = [np.array([sketch(each) for each in column]) for column in cut]
    for ours, other in zip(signed, theirs, strict=True):
        assert (ours == other).all()
    true = np.array([len({*a} & {*b}) / len({*a} | {*b}) for a, b in zip(*cut, strict=True)])
    estimates = {"ours": (signed[0] == signed[1]).mean(1)}
    if not runs.missing("rensa"):
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


class Runs(NamedTuple):
    """Turns of one command, each on hardly anything, which is its start, and on data."""

    size: int
    turns: list[tuple[runs.Took, runs.Took]]

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
    return took(lambda: minhash.band_keys(minhash.sign_sets(*shingles.shingle_texts(column, rows)[1:])))


@pytest.mark.parametrize("language", LANGUAGES)
def test_near_duplicates(tmp_path, prose, readme, language):
    chinese = language == "chinese"
    grams = "characters, spaced beforehand" if chinese else "words"
    peers = {
        # peer: what its 5-grams are of, what it needs, megabytes, how it runs, how its clusters are read
        "text-dedup, XXH3 and our bands": (
            grams, ("text_dedup.minhash",), 20, partial(runs.text_dedup, options=runs.AS_OURS), runs.text_dedup_linked,
        ),
        "text-dedup, as it comes": (
            grams, ("text_dedup.minhash",), 10, partial(runs.text_dedup, options=[]), runs.text_dedup_linked,
        ),
        "datatrove, our bands": (
            f"words of spaCy{' and jieba' if chinese else ''}",
            ("datatrove.pipeline.dedup.minhash", "spacy", "orjson", "xxhash", "regex", *(["jieba"] if chinese else [])), 6,
            partial(runs.datatrove, language=language), runs.datatrove_linked,
        ),
    }  # fmt: skip
    tiny, large, out = (tmp_path / name for name in ("tiny", "large", "ours"))
    runs.spaced(runs.write(tiny / "data", prose, language, 0)[1], tiny / "spaced")
    size, columns, planted = runs.write(large, prose, language, SIZE)
    runs.ours(tiny / "data", tmp_path / "warm")  # kernels are compiled once
    whole, steps, rows, notes = Runs(size, []), [], [], []
    readme(SCAN, language, "")  # stands before the peers

    def once_more():
        turn = runs.ours(tiny / "data", tmp_path / "start"), runs.ours(large, out)
        steps.append(json.loads((out / "took.json").read_text())["busy"])
        return turn

    whole.turns.append(once_more())
    signed = statistics.median(cut_and_signed(columns) for _ in range(3))
    for place, (name, (grams, needs, megabytes, start, read)) in enumerate(peers.items()):
        why = runs.missing(*needs) or elsewhere(name.split(",")[0])
        if why:
            rows.append([name, f"not measured: {why}"])
            readme(name, language, rows[-1][1])
            continue
        folder = tmp_path / str(place)
        some, texts, held = runs.write(folder / "data", prose, language, megabytes * 1_000_000)
        runs.spaced(texts, folder / "spaced")
        form = "spaced" if "spaced" in grams else "data"
        mine, same, theirs = Runs(size, []), [], Runs(some, [])
        for turn in range(3):
            mine.turns.append(once_more())
            theirs.turns.append(
                (start(tiny / form, folder / f"start-{turn}"), start(folder / form, folder / f"theirs-{turn}"))
            )
            same.append(theirs.turns[-1][1].wall / runs.ours(folder / "data", folder / "ours").wall)
        whole.turns.extend(mine.turns)
        if theirs.failed:
            rows.append([name, f"not measured: {theirs.failed}"])
            readme(name, language, rows[-1][1])
            continue
        alone = size / 1e6 / (signed + statistics.median(each["comparing"] for each in steps))
        linked, own = read(folder / "theirs-0", texts), runs.ours_linked(folder / "ours", texts)
        rows.append([
            f"{name} ({grams})", f"{some / 1e6:.0f}", f"{theirs.start:.1f}", f"{theirs.middle('wall'):.2f}", f"{theirs.middle('busy'):.2f}",
            f"{statistics.median(same):.1f}", f"{mine.times(theirs, 'wall'):.1f}", f"{mine.times(theirs, 'busy'):.1f}",
            f"{alone / theirs.middle('busy'):.0f}", *(f"{runs.share_found(linked, held, kind):.1%}" for kind in ("copy", "near")),
        ])  # fmt: skip
        readme(
            name,
            language,
            f"{rows[-1][3]} MB/s, ours {rows[-1][6]} times, {rows[-1][7]} by processor time, similarity alone {rows[-1][8]}",
        )
        near, lower, lost = runs.disagreements(linked, own, texts)
        notes.append(
            f"{name} clusters {near} pairs across files at Jaccard >= 0.8, of which we lack {lost}; {lower} below"
        )
        assert near >= len(held) / 4
        assert lost <= near / 100  # banding may miss 0.2 % at Jaccard 0.8
        assert runs.share_found(own, held, "copy") == 1
        assert runs.share_found(own, held, "near") > 0.99
    assert whole.failed is None
    readme(SCAN, language, f"{whole.middle('wall'):.1f} MB/s")
    spent = {step: statistics.median(each.get(step, 0) for each in steps) for step in steps[0]}
    alone = size / 1e6 / (signed + spent["comparing"])
    mine = runs.ours_linked(out, columns)
    versions("numba", "text-dedup", "datatrove", "spacy", "jieba")
    print(f"""
Near-duplicates, {language}: two processes each; ours has {runs.BANDS} bands of {runs.ROWS}. Rates leave out the start, the same command on 160
records. Ours is a whole scan (it digests, looks for personal data, compares, judges); of it *similarity alone* is what cuts,
signs and compares, without the scratch files between. By processor: MB/s of processor time, all processes together, which other work on the machine disturbs less.
""")
    row("near-duplicates", "MB", "start s", "MB/s", "by processor", "ours is times, same data, start included",
        "ours is times", "by processor", "similarity alone, by processor", "copies found", "variants found")  # fmt: skip
    row(*["---"] * 11)
    row("**`pv.scan`**", f"{size / 1e6:.0f}", f"{whole.start:.1f}", f"{whole.middle('wall'):.1f}", f"{whole.middle('busy'):.1f}",
        "", "", "", "", *(f"{runs.share_found(mine, planted, kind):.1%}" for kind in ("copy", "near")))  # fmt: skip
    row("of it similarity alone", "", "", "", f"{alone:.1f}", *[""] * 6)
    for cells in rows:
        row(*cells, *[""] * (11 - len(cells)))
    print("\nProcessor seconds of our scan:", ", ".join(f"{step} {seconds:.1f}" for step, seconds in spent.items()))
    print(f"Cut and signed in one process without the scan: {signed:.1f} s\n" + "\n".join(notes), flush=True)
