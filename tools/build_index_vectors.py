"""Build `provenance/data/index-v1-vectors.json`: what an index made elsewhere must hold, from the definitions alone.

Run by hand: `python tools/build_index_vectors.py`. No kernel has a part in it.
"""

import json
from pathlib import Path

import xxhash

from provenance.similarity.index import reference_index, siphash
from provenance.similarity.text import shingles
from provenance.similarity.text.normalisation import NORMALISATION
from provenance.similarity.text.reference_normalisation import normalise_reference

TARGET = Path(__file__).parents[1] / "provenance" / "data" / "index-v1-vectors.json"
KEYS = [bytes(16), bytes(range(16))]
TEXTS = [
    "Hello, World!",
    "How many lamps does the keeper light?",
    "守夜人点亮了七盏灯。",
    "the same five words the same five words",
]


def keyed(text, key):
    """SipHash-2-4 of the 8 little-endian bytes of the XXH64 of a text's UTF-8, as 16 hexadecimal digits."""
    return f"{siphash.siphash_reference(key, xxhash.xxh64_intdigest(text.encode()).to_bytes(8, 'little')):016x}"


def vectors():
    for key in KEYS:
        for text in TEXTS:
            held = sorted({keyed(each, key) for each in shingles.shingles_reference(text)})
            whole = keyed(normalise_reference(text), key)
            yield {
                "key": key.hex(),
                "key-id": reference_index.key_id(key),
                "text": text,
                "shingles": held,
                "texts": [whole],
            }


def made():
    head = {"format": reference_index.FORMAT, "normalisation": NORMALISATION, "shingle": shingles.SHINGLE}
    return json.dumps({**head, "vectors": list(vectors())}, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(made(), encoding="utf-8")
