import hashlib
import json
from collections import Counter

import pytest

from provenance.errors import VerificationError
from provenance.ledger.format import draw_algorithm

SEED = "00" * 32


def line(path, records, role="data", source="a"):
    return json.dumps({"path": path, "role": role, "source": source, "records": records}).encode()


def frame(*counts):
    return draw_algorithm.DrawFrame(tuple((f"f{at}", count) for at, count in enumerate(counts)))


def test_the_seed_is_a_digest_that_anybody_can_make():
    text = b'draw/v1\n["ab","quality",null,2]'
    assert draw_algorithm.derive_seed("ab", "quality", None, 2) == hashlib.sha256(text).hexdigest()
    different = {draw_algorithm.derive_seed(*each) for each in (("ab", "q", None, 0), ("ac", "q", None, 0), ("ab", "r", None, 0), ("ab", "q", "00", 0), ("ab", "q", None, 1))}  # fmt: skip
    assert len(different) == 5


def test_a_vector_for_other_programs():
    """As the specification says it, step by step, and not with our code."""
    seed, size, counts = bytes.fromhex(SEED), 4, {"f0": 5, "f1": 1, "f2": 94}
    records = [(path, row) for path in sorted(counts) for row in range(counts[path])]
    found, counter = [], 0
    while len(found) < size:
        number = int(hashlib.sha256(seed + counter.to_bytes(8, "big")).hexdigest(), 16)
        if number < 2**256 // 100 * 100 and number % 100 not in found:
            found.append(number % 100)
        counter += 1
    assert draw_algorithm.draw_records(SEED, size, frame(5, 1, 94)) == [records[at] for at in sorted(found)]
    assert draw_algorithm.draw_records(SEED, size, frame(5, 1, 94)) == [("f2", 13), ("f2", 24), ("f2", 34), ("f2", 50)]


@pytest.mark.parametrize("size", [1, 5, 10, 11, 19, 20, 25])
def test_none_twice_and_in_order(size):
    places = draw_algorithm.draw_records(SEED, size, frame(7, 3, 10))
    assert len(places) == len(set(places)) == min(size, 20)
    assert places == sorted(places)
    assert all(row < {"f0": 7, "f1": 3, "f2": 10}[path] for path, row in places)


@pytest.mark.parametrize("size", [2, 5])
def test_each_record_has_the_same_chance(size):
    counts = Counter(
        place for at in range(3000) for place in draw_algorithm.draw_records(f"{at:064x}", size, frame(1, 2, 4))
    )
    expected = 3000 * size / 7
    assert (
        sum((count - expected) ** 2 / expected for count in counts.values()) < 22.5
    )  # chi squared, 6 degrees, p = 0.001
    assert len(counts) == 7


def test_the_frame_is_data_with_records_sorted_by_bytes():
    lines = [line("ü", 1), line("b", 2), line("a", 0), line("LICENSE", 3, role="licence"), line("c", "4", source="z")]
    assert draw_algorithm.read_frame(lines).files == (("b", 2), ("c", 4), ("ü", 1))
    assert draw_algorithm.read_frame(lines).records == 7
    assert draw_algorithm.read_frame(lines, {"z"}).files == (("c", 4),)


@pytest.mark.parametrize("lines", [[b"\xff"], [b"[]"], [b"1"], [b"{}"], [line("a", None)], [line("a", "many")], [b"[" * 10**5], [line("a", 2**53), line("b", 1)], [line("a", "9" * 5000)]])  # fmt: skip
def test_what_is_no_table_of_files_is_refused(lines):
    with pytest.raises(VerificationError):
        draw_algorithm.read_frame(lines)


@pytest.mark.parametrize(
    "lines", [[b"x"], [b"[]"], [b'{"path":1,"row":1}'], [b'{"path":"a","row":"1"}'], [b"[" * 10**5]]
)
def test_what_is_no_list_of_records_is_refused(lines):
    with pytest.raises(VerificationError):
        draw_algorithm.read_document(lines)


def test_a_document_is_canonical_lines():
    data = draw_algorithm.write_document([("a ü", 3)])
    assert data == '{"path":"a ü","row":3}\n'.encode()
    assert draw_algorithm.read_document(data.splitlines()) == [{"path": "a ü", "row": 3}]
