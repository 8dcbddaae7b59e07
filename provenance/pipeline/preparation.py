"""Kernels are compiled before a first scan needs them, in as many processes as there are cores.

A kernel is compiled when it is first called, and kept for the next process. One process that calls one after the other
takes as long as all of them together. So each of several processes calls a part: the reader of JSON beside what is
done with texts, then what compares them beside the other readers, and at last whatever is left of a scan. What is
missed here is compiled when a scan calls it.
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from provenance import profiles
from provenance.core import engines, kernel_cache, package_data
from provenance.core.model import PURPOSES
from provenance.core.progress import Progress, ignore_progress
from provenance.core.scratch import scratch_folders
from provenance.errors import ProvenanceError
from provenance.pipeline import warm_up
from provenance.pipeline.examine import ScanRules, examine
from provenance.pipeline.matching import reference_matches
from provenance.pipeline.reading import read_pass
from provenance.similarity.candidates import near_pairs, view_signatures
from provenance.similarity.index import source_sketches

if TYPE_CHECKING:
    from collections.abc import Callable


def load_modules() -> None:
    """Load what this module imports, which is what the processes that compile need."""


def prepare_kernels(
    engine: str, *, workers: int | None = None, memory: int | None = None, progress: Progress = ignore_progress
) -> None:
    """Compile kernels, unless a run before this one has left them where they are looked for.

    Nothing comes of it where it cannot be done: kernels are compiled when they are called then.

    Args:
        engine: one of engines.ENGINES, whose processes compile.
        workers: processes; None = one a core.
        memory: bytes that a scan may take, of which compiling would need a part: then it is left to the scan.
        progress: told that something is prepared.
    """
    if memory is not None or kernel_cache.is_prepared():
        return
    progress("preparing", 0, 0)
    kernel_cache.drop_unreadable_indexes()
    with contextlib.suppress(ProvenanceError), contextlib.closing(engines.start(engine, workers, load_modules)) as run:
        if all(done is True for steps in _STEPS for _, done in run.map(compile_part, steps)):
            kernel_cache.mark_prepared()


def compile_part(name: str) -> bool:
    """Compile the kernels of one part, in this process.

    Args:
        name: of the part.

    Returns:
        Whether nothing went wrong.
    """
    try:
        _PARTS[name]()
    except Exception:  # noqa: BLE001 - whatever it is, a scan says it better
        return False
    return True


def _read_lines() -> None:
    with scratch_folders.temporary_folder() as folder:
        file = warm_up.write_file(folder / "lines.jsonl", warm_up.TEXTS)
        for _ in read_pass.items(file):
            pass


def _sign_texts() -> None:
    prompt = pa.array(warm_up.TEXTS, pa.large_string())
    answer = pa.array([text[::-1] for text in warm_up.TEXTS], pa.large_string())
    whole = pa.array([f"{text}\n{text[::-1]}" for text in warm_up.TEXTS], pa.large_string())
    places = pa.array(np.arange(len(warm_up.TEXTS)))
    for each, signed in view_signatures.cut_and_sign(whole, prompt, answer, places, fold_chinese=False):
        near_pairs.describe_texts(each, signed, near_pairs.RecentTexts().select_new(each.nodes))
        source_sketches.sample_hashes(each)


def _read_files() -> None:
    """Read what ships, of every format that this program reads itself."""
    for path in sorted((package_data.data_folder("demo") / "data").rglob("*.[ct]*")):
        if path.is_file():
            for _ in read_pass.items(warm_up.describe_file(path)):
                pass


def _scan_demo() -> None:
    """Scan what ships, in which every kind of match is planted; compressed files would ask for a process more."""
    rules = ScanRules(
        profiles=(profiles.load(profiles.names()[0]),),
        purpose=PURPOSES[0],
        references=reference_matches.load_indexes([]),
        exclude=("*.gz",),
        follow_links=False,
        fold_chinese=False,
        sample=None,
        waivers=None,
        declared=(),
        day=datetime.now(UTC).date(),
        own_paths=None,
    )
    examine(package_data.data_folder("demo") / "data", rules)


_PARTS: dict[str, Callable[[], None]] = {
    "lines": _read_lines,
    "texts": _sign_texts,
    "files": _read_files,
    "demo": _scan_demo,
    "rehearsal": warm_up.compile_kernels,
}
_STEPS = (("lines", "texts"), ("rehearsal", "files"), ("demo",))
"""Parts that are compiled side by side, step by step: what two of them call, one of an earlier step has compiled."""
