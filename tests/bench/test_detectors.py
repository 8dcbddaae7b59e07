"""MB/s of detectors on generated English and Chinese, beside Python's `re` with the same shapes. Prints; asserts no time.

python -m pytest -m full -s tests/bench/test_detectors.py
"""

import random
import re
import time

import pyarrow as pa
import pytest

from provenance.core import schemas
from provenance.detectors import personal_data

pytestmark = pytest.mark.full

WORDS = {
    "english": (
        ["harbour", "office", "opens", "at", "nine", "on", "12th", "March", "2024,", "costs", "3.50", "day."],
        " ",
    ),
    "chinese": (list("港口办公室于二零二四年三月十二日上午九点开门每天收费三元五角请提前预约2024"), ""),
}
VALUES = [
    "anna.berg@uni-ulm.de",
    "info@stadt-ulm.de",
    "+49 731 1234098",
    "13910935528",
    "141.59.84.127",
    "650-636-4884",
]


def generate(language, share):
    """20,000 records of about 900 bytes, of which a share hold one value."""
    chance = random.Random(7)  # noqa: S311 - a seed, not a secret
    words, between = WORDS[language]
    rows = []
    for row in range(20_000):
        text = between.join(chance.choices(words, k=170 if language == "english" else 300))
        rows.append({"row": row, "whole": text + (" " + chance.choice(VALUES) if chance.random() < share else "")})
    return pa.RecordBatch.from_pylist(rows, schema=schemas.RECORDS)


def speed(function, size):
    took = []
    for _ in range(3):
        start = time.process_time()
        function()
        took.append(time.process_time() - start)
    return size / 1e6 / sorted(took)[1]


@pytest.mark.parametrize("share", [0, 0.1, 1])
@pytest.mark.parametrize("language", list(WORDS))
def test_personal_data(language, share):
    batch = generate(language, share)
    size = sum(map(len, map(str.encode, batch["whole"].to_pylist())))
    ours = speed(lambda: personal_data.observe(batch), size)
    start = "\n".join(batch["whole"].to_pylist()[:1000]).encode()
    shapes = re.compile(b"|".join(left + b"(?:" + core + b")" + right for left, core, right in personal_data._SHAPES))
    plain = speed(lambda: [None for _ in shapes.finditer(start)], len(start))
    print(f"\n{language}, {share:.0%} with a value: {ours:.0f} MB/s; `re`, shapes alone: {plain:.1f} MB/s")
