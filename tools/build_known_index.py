"""Build `manifests/known/*.index`: hashes of whole texts of well-known data sets, no text.

    python tools/build_known_index.py REALDATA

reads original files below REALDATA/data and builds an index a data set, each file a part. A file whose digest is not in
`manifests/known/datasets.yaml` is refused: what ships are facts on the originals alone.
"""

import sys
from pathlib import Path

from provenance.core.digests import sha256
from provenance.origins import known_datasets
from provenance.pipeline import build_index

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


def main():
    for name, (files, scale, columns) in SETS.items():
        paths = [Path(sys.argv[1]) / "data" / file for file in files]
        for path in paths:
            assert known_datasets.known_by_digest()[sha256(path.read_bytes())].id == name, path
        target = ROOT / "manifests" / "known" / f"{name}.index"
        choice = build_index.IndexOptions("known", title=name, scale=scale, columns=columns)
        built = build_index.build_index(paths, target, choice, "tools/build_known_index.py")
        assert not built.unread, built.unread
        print(
            target.name, built.index.items, "parts,", built.index.count_hashes, "texts,", target.stat().st_size, "bytes"
        )


if __name__ == "__main__":
    main()
