from collections import Counter, defaultdict
from itertools import permutations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.core.scratch import external_sort
from provenance.core.scratch.scratch_arrays import SharedArray
from provenance.similarity.candidates import boilerplate, containment, distinct_texts, near_pairs, pair_partitions
from provenance.similarity.evidence import exact_matches, near_matches
from provenance.similarity.text import shingles

NONE = np.zeros(0, np.int64)
WORDS = [f"w{k}" for k in range(40)]


def words(*changes):
    return " ".join("x" if k in changes else word for k, word in enumerate(WORDS))


TEXTS = [words(), words(0), words(39), words(0, 39), words(0, 1), "something else", words(20), words(19), "a b"]
TEXTS += [" ".join(WORDS[5:20]), " ".join(WORDS[5:12]), " ".join(WORDS[5:19])]


def alike(texts, folder, parts=1, threads=1, items=None):
    """Nodes of texts, each in a file of its own where no items (file, source, row) are given."""
    items = [(number, number, 0) for number in range(len(texts))] if items is None else items
    file, source, row = (np.array(column, np.int64) for column in zip(*items, strict=True)) if items else [NONE] * 3
    scratch = folder / "view"
    scratch.mkdir(parents=True, exist_ok=True)
    column = pa.array(texts, pa.large_string())
    identified = shingles.identify_texts(column, pa.array(range(len(texts))))
    columns = [file, row, *(identified[name] for name in ("low", "high"))]
    write(folder / "members.arrow", pa.table(columns, schema=exact_matches.MEMBERS))
    hashes = SharedArray(folder / distinct_texts.SETS_FILE_NAME, np.uint64)
    for part in range(parts):
        some = pa.array(texts[part::parts], pa.large_string())
        described = near_pairs.describe_texts(shingles.shingle_texts(some, pa.array(range(len(some)))))
        united, placed = near_pairs.unite_descriptions([described], len(some))
        write(folder / f"{part}.arrow", described.to_sets(placed[0], hashes.add(united)))
    hashes.close()
    owner = np.zeros(int(file.max(initial=0)) + 1, np.int64)
    owner[file] = source
    members = [distinct_texts.MembersFile(str(folder / "members.arrow"), np.arange(len(owner)))]
    sets = [str(folder / f"{part}.arrow") for part in range(parts)]
    held = distinct_texts.build_nodes(sets, members, file_sources=owner, scratch=scratch)
    return near_pairs.find_similar(held, scratch, threads), identified


def write(path, table):
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def jaccard(a, b):
    a, b = (set(shingles.shingles_reference(each)) for each in (a, b))
    return len(a & b), len(a), len(b)


def brute(items):
    """items: (file, source, row, text): the best match of every record in every file, by nested loops."""
    rows, groups = {}, {}
    for file_a, source_a, row_a, a in items:
        for file_b, source_b, row_b, b in items:
            counts = jaccard(a, b)
            inside = counts[0] == min(counts[1:]) >= containment.LEAST_SHINGLES
            if a == b or not (inside or is_near(counts)):
                continue
            best = (-counts[0] / (counts[1] + counts[2] - counts[0]), row_b, counts)
            if not any(f == file_b and t == a for f, _, _, t in items):
                rows[file_a, row_a, file_b] = min(rows.get((file_a, row_a, file_b), best), best)
            if not any(s == source_b and t == a for _, s, _, t in items):
                key = source_a, (file_a, row_a), source_b
                groups[key] = min(groups.get(key, best), best)
    listed = {(file_a, row_a, file_b, row_b, *n) for (file_a, row_a, file_b), (_, row_b, n) in rows.items()}
    return listed, tallied(rows), tallied(groups)


def is_near(counts):
    return 5 * counts[0] >= 4 * (counts[1] + counts[2] - counts[0])


def tallied(best):
    """Near, and inside a longer one, by pair of owners."""
    near_, inside = Counter(), Counter()
    for (a, _, b), (_, _, counts) in best.items():
        near_[a, b] += is_near(counts)
        inside[a, b] += not is_near(counts) and counts[1] < counts[2]
    return tuple({pair: count for pair, count in each.items() if count} for each in (near_, inside))


def matched(items, folder, threads=1):
    """What all parts of a match say, put together."""
    found, _ = alike([text for *_, text in items], folder, threads=threads, items=[item[:3] for item in items])
    parts = list(near_matches.match_near(found, folder))
    counts = {
        name: exact_matches.add_pairs([getattr(part, name) for part in parts]) for name in near_matches.PAIR_FIELDS
    }
    rows = pa.concat_tables([exact_matches.ROWS.empty_table(), *(part.rows for part in parts)])
    return near_matches.NearMatches(rows, **counts, pivoted=sum(part.pivoted for part in parts))


def test_of_matches_that_tie_the_first_file_decides_however_texts_are_numbered(tmp_path):
    """A text of 30 shingles stands in one of 60 and holds one of 15: Jaccard 1/2 both, rows of one number."""
    long, middle, short = (" ".join(f"v{k}" for k in range(count)) for count in (64, 34, 19))
    cells = [(0, 0, 0, middle), (1, 1, 0, short), (2, 1, 0, long)]
    counts = []
    for number, order in enumerate(permutations(cells)):
        found = matched(list(order), tmp_path / str(number))
        counts.append([counted(getattr(found, name)) for name in near_matches.PAIR_FIELDS])
    assert all(each == counts[0] for each in counts)
    assert counts[0][near_matches.PAIR_FIELDS.index("sources_inside")] == {(1, 0): 1}


def counted(table):
    return {(a, b): n for a, b, n in zip(*(table[c].to_pylist() for c in exact_matches.PAIRS.names), strict=True)}


def both(of_near, of_inside):
    return counted(of_near), counted(of_inside)


def numbered(cells):
    rows, items = defaultdict(int), []
    for file, text in cells:
        items.append((file, file // 2, rows[file], TEXTS[text]))
        rows[file] += 1
    return items


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 11)), max_size=30),
    st.sampled_from([1, 5, 1 << 20]),
    st.sampled_from([1, 2]),
    st.sampled_from([64, 500, 1 << 20]),
)
def test_matches_equal_brute_force(tmp_path_factory, cells, chunk, threads, budget):
    items = numbered(cells)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near_matches, "_CELL_PAIRS_AT_A_TIME", chunk)
        patch.setattr(near_pairs, "_CHUNK", chunk)
        patch.setattr(external_sort, "MEMORY_BUDGET", budget)
        patch.setattr(pair_partitions, "PAIRS_HELD", budget // 64)
        patch.setattr(pair_partitions, "RANGE_BYTES", budget)
        found = matched(items, tmp_path_factory.mktemp("near"), threads)
    rows, files, sources = brute(items)
    names = ("file_a", "row_a", "file_b", "row_b", "shared", "distinct_a", "distinct_b")
    listed = [tuple(row[name] for name in names) for row in found.rows.to_pylist()]
    assert len(listed) == len(set(listed))
    assert set(listed) == rows
    assert both(found.files, found.files_inside) == files
    assert both(found.sources, found.sources_inside) == sources
    assert found.pivoted == 0


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 11)), max_size=30))
def test_what_is_beyond_boilerplate_equals_sets(tmp_path_factory, cells):
    """With boilerplate from three texts on: what remains of both sides is compared as sets."""
    items = numbered(cells)
    learn = boilerplate.learn_boilerplate
    boilerplate.learn_boilerplate = lambda sets, texts, scratch, engine, **_: learn(
        sets, texts, scratch, engine, common_from=3
    )
    try:
        found = matched(items, tmp_path_factory.mktemp("near"))
    finally:
        boilerplate.learn_boilerplate = learn
    texts = {(file, row): set(shingles.shingles_reference(text)) for file, _, row, text in items}
    counted_ = Counter(value for each in {frozenset(each) for each in texts.values()} for value in each)
    common = {value for value, count in counted_.items() if count >= 3}
    telling = Counter()
    for row in found.rows.to_pylist():
        a, b = texts[row["file_a"], row["row_a"]] - common, texts[row["file_b"], row["row_b"]] - common
        near_ = is_near((row["shared"], row["distinct_a"], row["distinct_b"]))
        kept = not near_ or 5 * len(a & b) >= 4 * len(a | b)
        assert row["distinctive"] == (len(a & b) if kept else 0)
        telling[row["file_a"], row["file_b"]] += bool(near_ and row["distinctive"])
    assert counted(found.files_distinctive) == {pair: count for pair, count in telling.items() if count}


def test_what_is_found_does_not_depend_on_the_bundle(tmp_path):
    texts = TEXTS * 3
    one, _ = alike(texts, tmp_path / "one")
    many, _ = alike(texts, tmp_path / "many", parts=4)
    assert set(one.nodes.low.tolist()) == set(many.nodes.low.tolist())
    assert len(one.nodes) == len(many.nodes) == len(set(TEXTS))

    def named(found):
        ends = [found.nodes.low[each].tolist() for each in (found.left, found.right)]
        return {
            (*(sorted(pair) if k < found.near_count else pair), shared)
            for k, (*pair, shared) in enumerate(zip(*ends, found.shared.tolist(), strict=True))
        }

    assert named(one) == named(many)
    assert len(named(one)) == len(one.left) == len(many.left)


def test_a_text_in_very_many_files_keeps_the_first_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(near_matches, "LARGEST_NODE", 3)
    items = [(0, 0, 0, words()), (0, 0, 1, words()), *((file, file, 0, words(0)) for file in (1, 2, 3))]
    found = matched(items, tmp_path)
    assert found.pivoted == 2
    assert counted(found.files) == {(0, 1): 2, (1, 0): 1, (2, 0): 1, (3, 0): 1}


def test_what_was_seen_lately_is_not_new():
    nodes = shingles.identify_texts(pa.array(TEXTS, pa.large_string()), pa.array(range(len(TEXTS))))
    recent = near_pairs.RecentTexts()
    assert recent.select_new(nodes).tolist() == list(range(len(TEXTS)))
    assert recent.select_new(nodes).tolist() == []


def test_nothing_resembles_nothing(tmp_path):
    found, _ = alike([], tmp_path)
    assert (len(found.nodes), found.pivoted) == (0, 0)
    assert len(found.left) == 0
    assert matched([], tmp_path).rows.num_rows == 0


def test_texts_of_one_file_alone_are_not_paired(tmp_path):
    inside = alike(TEXTS, tmp_path / "one", items=[(0, 0, k) for k in range(len(TEXTS))])[0]
    apart = alike(TEXTS, tmp_path / "two")[0]
    assert (len(inside.left), len(apart.left) > 5) == (0, True)
    twice = alike([*TEXTS, TEXTS[0]], tmp_path / "three", items=[*((0, 0, k) for k in range(len(TEXTS))), (1, 1, 0)])[0]
    assert len(twice.left)
    low = shingles.identify_texts(pa.array(TEXTS[:1], pa.large_string()), pa.array([0]))["low"][0].as_py()
    ends = np.stack([twice.nodes.low[twice.left], twice.nodes.low[twice.right]])
    assert (ends == low).any(0).all()  # the one text that stands in both files is one of every pair


@pytest.mark.parametrize("at", ["_copy_sets", "load_nodes", "find_similar"])
def test_whoever_is_killed_over_the_nodes_may_begin_again(tmp_path, monkeypatch, at):
    expected, _ = alike(TEXTS, tmp_path / "a", parts=3)
    module = near_pairs if at == "find_similar" else distinct_texts
    real, begun = getattr(module, at), []

    def die(*given):
        if begun:
            return real(*given)
        begun.append(given)
        if at == "_copy_sets":
            real(*given)
        raise InterruptedError

    monkeypatch.setattr(module, at, die)
    with pytest.raises(InterruptedError):
        alike(TEXTS, tmp_path / "b", parts=3)
    folder = tmp_path / "b"
    members = [distinct_texts.MembersFile(str(folder / "members.arrow"), np.arange(len(TEXTS)))]
    sets = [str(folder / f"{part}.arrow") for part in range(3)]
    nodes = distinct_texts.build_nodes(sets, members, file_sources=np.arange(len(TEXTS)), scratch=folder / "view")
    found = near_pairs.find_similar(nodes, folder / "view", 1)
    assert (found.nodes.low == expected.nodes.low).all()
    assert (np.asarray(found.nodes.keys) == np.asarray(expected.nodes.keys)).all()
    assert not any(folder.glob("?.arrow"))
