"""What matches say as evidence, against a count by hand over every row and record."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.core import schemas
from provenance.core.model import METHODS, VIEWS
from provenance.core.tables import evidence_schemas
from provenance.licences.compatibility import find_losses
from provenance.similarity.evidence import match_batches
from provenance.similarity.evidence.evidence_rules import make_rules
from provenance.sources.file_splits import Split

LICENCES = (None, "LicenseRef-nobody-knows", "MIT", "CC-BY-4.0", "CC-BY-NC-4.0")
SPLITS = (
    None,
    Split("train"),
    Split("train", ("x",)),
    Split("test"),
    Split("test", (), ("1",)),
    Split("train", (), ("2",)),
    Split("test", (), ("fold", "1")),
    Split("train", (), ("fold", "2")),
)
EVIDENCE = ("whole", "prompt")
RECORDS = 4


@st.composite
def corpora(draw):
    """Files of up to four sources, and any matches between them: at most one a view, record and other file."""
    files = {}
    for k in range(draw(st.integers(2, 6))):
        source = draw(st.sampled_from("abcd"))
        digest = draw(st.sampled_from((None, "11", "22")))
        files[f"{source}/{k}"] = (source, draw(st.sampled_from(LICENCES)), digest, draw(st.sampled_from(SPLITS)))
    ends = st.tuples(
        st.sampled_from(VIEWS),
        st.sampled_from(sorted(files)),
        st.integers(0, RECORDS - 1),
        st.sampled_from(sorted(files)),
    )
    about = st.tuples(
        st.integers(0, 2), st.sampled_from(METHODS), st.integers(0, 6), st.booleans(), st.sampled_from((10, 18, 19))
    )
    matches = draw(st.dictionaries(ends.filter(lambda end: end[1] != end[3]), about, max_size=40))
    originals = dict.fromkeys(draw(st.sets(st.sampled_from(sorted(files)), max_size=2)), "known")
    return files, matches, originals, draw(st.integers(1, 6))


def make_tables(files, matches):
    """MATCHES in its sealed order, OVERLAPS and FILES."""
    rows, overlaps = [], []
    for (view, a, row, b), (other, method, distinctive, shorter, size) in matches.items():
        ends = {"view": view, "source_a": files[a][0], "path_a": a, "source_b": files[b][0], "path_b": b}
        sizes = {
            "shared": 9,
            "distinct_a": 9 if shorter else 10,
            "distinct_b": 10 if shorter else 9,
            "distinctive": distinctive,
        }
        if method == "contained":
            sizes |= {"distinct_a": 9, "distinct_b": size} if shorter else {"distinct_a": size, "distinct_b": 9}
        rows.append(ends | sizes | {"row_a": row, "row_b": other, "jaccard": 0.9, "method": method})
        counts = dict.fromkeys(("exact", "near", "near_distinctive", "contained_ab", "contained_ba"), 0)
        for one, two in ((a, b), (b, a)):
            overlaps.append(
                {"view": view, "source_a": files[one][0], "path_a": one, "source_b": files[two][0], "path_b": two}
                | {"records_a": RECORDS, "records_b": RECORDS}
                | counts
            )
    rows.sort(key=lambda row: (VIEWS.index(row["view"]), row["source_a"], row["path_a"], row["row_a"], row["path_b"]))
    numbers = (
        "bytes",
        "bytes_consumed",
        "bytes_skipped",
        "records",
        "records_unreadable",
        "records_distinct",
        "tokens",
    )
    listed = [
        {"path": path, "source": source, "role": "data", "licence": licence, "sha256": digest}
        | dict.fromkeys(numbers, 0)
        for path, (source, licence, digest, _) in files.items()
    ]
    return (
        schemas.rows(rows, schemas.MATCHES),
        schemas.rows(overlaps, schemas.OVERLAPS),
        schemas.ordered(schemas.rows(listed, schemas.FILES), "path"),
    )


def count(files, matches, originals, minimum):
    matched, overlaps, listed = make_tables(files, matches)
    splits = {path: split for path, (*_, split) in files.items() if split is not None}
    unnamed = [path for path, (*_, split) in files.items() if split is None]
    rules = make_rules(sorted(files), listed, minimum=minimum, originals=originals, splits=splits, unnamed=unnamed)
    tables = match_batches.count_matches(matched, rules, overlaps)
    assert {name: table.schema for name, table in tables.items()} == evidence_schemas.COUNTED
    return {name: table.to_pylist() for name, table in tables.items()}


class Hand:
    """Rows and records, counted one by one."""

    def __init__(self, files, matches, originals, minimum):
        self.files, self.originals, self.minimum = files, originals, minimum
        self.rows = [(*ends, *about) for ends, about in matches.items()]

    def source(self, path):
        return self.files[path][0]

    def licence(self, path):
        known = self.files[path][1]
        return None if known == LICENCES[1] else known

    def is_evidence(self, row):
        return row[0] in EVIDENCE and row[5] != "contained" and row[6] >= self.minimum

    def is_explained(self, row, by_licence):
        """Whether the row's record also stands in a known original, and the row is with none."""
        if row[3] in self.originals:
            return False
        for other in self.rows:
            if other[:3] == row[:3] and other[3] in self.originals and self.is_evidence(other):
                own, theirs = self.licence(other[1]), self.licence(other[3])
                if not by_licence or (own and theirs and not find_losses(own, theirs)):
                    return True
        return False

    def licensed(self, row):
        return self.is_evidence(row) and not self.is_explained(row, by_licence=True)

    def between(self):
        return [row for row in self.rows if self.source(row[1]) != self.source(row[3])]

    def size(self, view, path):
        """How many records have a view, as far as OVERLAPS says: of files that match."""
        return RECORDS if any(row[0] == view and path in {row[1], row[3]} for row in self.rows) else 0

    def distinct(self, rows):
        """How many texts: a record's is the lowest record that it stands in."""
        lowest = {}
        for row in rows:
            lowest[row[1], row[2]] = min(lowest.get((row[1], row[2]), ("~", 0)), (row[3], row[4]))
        return len(set(lowest.values()))

    def shared(self):
        groups, found = defaultdict(list), {}
        for row in self.between():
            if row[0] in EVIDENCE:
                groups[row[0], row[1], self.source(row[3]), self.licence(row[3])].append(row)
        for (view, path, other, licence), rows in groups.items():
            kept = [row for row in rows if self.licensed(row)]
            if not kept:
                continue
            mine = (self.source(path), self.licence(path))
            alike = [
                row for row in self.between()
                if row[0] == view and self.licensed(row)
                and (self.source(row[1]), self.licence(row[1])) == mine
                and (self.source(row[3]), self.licence(row[3])) == (other, licence)
            ]  # fmt: skip
            by_file = defaultdict(set)
            for row in kept:
                by_file[row[3]].add(row[2])
            back = {
                b: len(
                    {
                        row[2]
                        for row in self.rows
                        if row[0] == view and (row[1], row[3]) == (b, path) and self.licensed(row)
                    }
                )
                for b in by_file
            }
            counts = [
                {row[2] for row in rows if test(row)}
                for test in (
                    self.licensed, lambda row: row[5] != "contained", lambda row: row[5] == "exact", self.is_evidence,
                    lambda row: row[5] == "contained" and row[7], lambda row: row[5] == "contained" and not row[7],
                )
            ]  # fmt: skip
            records, matched, exact, enough, inside, around = map(len, counts)
            found[view, path, other, licence] = {
                "source_a": mine[0], "licence_a": mine[1], "row": min(counts[0]), "records": records,
                "matched": matched, "exact": exact, "explained": enough - records, "contained_ab": inside,
                "contained_ba": around, "texts": self.distinct(alike), "records_a": RECORDS,
                "path_b": min(by_file, key=lambda b: (-len(by_file[b]), b)),
                "share": max(max(len(by_file[b]), back[b]) / RECORDS for b in by_file),
            }  # fmt: skip
        return found

    def copied(self, *, differing):
        digests = {path: about[2] for path, about in self.files.items()}
        rows = [
            row for row in self.between()
            if not differing or digests[row[1]] is None or digests[row[1]] != digests[row[3]]
        ]  # fmt: skip
        telling = [row for row in rows if self.is_evidence(row) and not self.is_explained(row, by_licence=False)]
        answered = {(row[1], row[2], self.source(row[3])) for row in rows if row[0] != "prompt"}
        found = {}
        for path, other in {(row[1], self.source(row[3])) for row in telling}:
            mine = [row for row in rows if row[1] == path and self.source(row[3]) == other]
            whole, prompt = ({row[2] for row in telling if row in mine and row[0] == view} for view in EVIDENCE)
            alone = {row for row in prompt if (path, row, other) not in answered}
            pair = [row for row in telling if (self.source(row[1]), self.source(row[3])) == (self.source(path), other)]
            again = [row for row in pair if row[0] == "prompt" and (row[1], row[2], other) not in answered]
            found[path, other] = {
                "source_a": self.source(path), "records": len(whole), "prompts": len(prompt), "reanswered": len(alone),
                "row": min(alone or whole or prompt), "records_a": self.size("whole", path), "prompts_a": self.size("prompt", path),
                "matched": len({row[2] for row in mine if row[0] == "whole" and row[5] != "contained"}),
                "prompts_matched": len({row[2] for row in mine if row[0] == "prompt" and row[5] != "contained"}),
                "texts": self.distinct([row for row in pair if row[0] == "whole"] if differing else again),
            }  # fmt: skip
        return found

    def leaks(self):
        pairs, found = defaultdict(list), {}
        for row in self.rows:
            if row[0] in EVIDENCE and self.is_held_out(row[1], row[3]):
                pairs[row[1], self.source(row[3])].append(row)
        for (path, other), rows in pairs.items():
            copies = [row for row in rows if self.is_evidence(row)]
            parts = [row for row in rows if row[5] == "contained" and row[6] >= self.minimum and self.covers(row)]
            whole = {row[2] for row in copies if row[0] == "whole"}
            records = {row[2] for row in copies + parts}
            holding = defaultdict(set)
            for row in copies + [row for row in rows if row[5] == "contained"]:
                holding[row[3]].add(row[2])
            files = {row[3] for row in rows}
            most = max(files, key=lambda b: (self.is_training(b), len(holding[b]), b))
            back = [
                row[2] for row in self.rows
                if row[1] == most and self.source(row[3]) == self.source(path) and self.is_held_out(row[3], most)
                and (self.is_evidence(row) or (self.is_part(row) and self.covers_back(row)))
            ]  # fmt: skip
            found[path, other] = {
                "source": self.source(path), "other_path": most, "trained": self.is_training(most),
                "records": len(records), "whole": len(whole),
                "prompts": len({row[2] for row in copies if row[0] == "prompt"} - whole),
                "matched": len({row[2] for row in rows}), "row": min(records, default=None),
                "other_row": min(back, default=None),
            }  # fmt: skip
        return found

    def is_part(self, row):
        return row[0] in EVIDENCE and row[5] == "contained" and row[6] >= self.minimum

    def covers(self, row):
        """Whether what is held out, the record of the row, is inside the other, or holds no less than half of itself."""
        return row[7] or row[8] <= 18

    def covers_back(self, row):
        return not row[7] or row[8] <= 18

    def is_training(self, path):
        split = self.files[path][3]
        return split is not None and not split.held_out

    def is_held_out(self, a, b):
        one, two = self.files[a][3], self.files[b][3]
        if one is None or not one.held_out or (two is not None and two.held_out):
            return False
        if self.source(a) != self.source(b):
            if two is None:
                return b not in self.originals
            return not one.folds or not two.folds or one.folds == two.folds
        if two is None:
            return False
        return one.before == two.before and (not one.behind or not two.behind or one.behind == two.behind)

    def repeats(self):
        found = {}
        for path, (source, *_) in self.files.items():
            rows = [row for row in self.rows if row[1] == path and row[0] == "whole" and self.source(row[3]) == source]
            same = {row[2] for row in rows if row[5] == "exact"}
            near = {row[2] for row in rows if row[5] == "near" and self.is_evidence(row)} - same
            if near:
                found[path] = {"source": source, "records": len(near), "row": min(near)}
        return found


def by_key(rows, *keys):
    """Rows by some of their values, and the others."""
    found = {tuple(row[key] for key in keys): {name: row[name] for name in row if name not in keys} for row in rows}
    assert len(found) == len(rows)
    return found


@settings(max_examples=200)
@given(corpora())
def test_every_table_is_what_a_count_by_hand_says(corpus):
    tables, hand = count(*corpus), Hand(*corpus)
    assert by_key(tables["shared"], "view", "path_a", "source_b", "licence_b") == hand.shared()
    for name, differing in (("copied", True), ("reanswered", False)):
        expected = {
            key: {column: value for column, value in row.items() if column in evidence_schemas.COUNTED[name].names}
            for key, row in hand.copied(differing=differing).items()
        }
        assert by_key(tables[name], "path_a", "source_b") == expected
    assert by_key(tables["leaks"], "path", "other") == hand.leaks()
    assert by_key(tables["repeats"], "path") == {(path,): row for path, row in hand.repeats().items()}


@given(corpora(), st.integers(1, 9))
def test_pieces_of_any_size_say_the_same(corpus, rows):
    expected = count(*corpus)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(match_batches, "ROWS_PER_BATCH", rows)
        assert count(*corpus) == expected


def test_nothing_matched_is_nothing_counted():
    tables = count({"a/x": ("a", "MIT", None, None)}, {}, {}, 1)
    assert tables == {name: [] for name in evidence_schemas.COUNTED}
