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
BETWEEN = "between"
RECORDS = 4


@st.composite
def corpora(draw):
    """Files of up to four sources, and any matches between them: at most one a view, record and other file."""
    files = {}
    for k in range(draw(st.integers(2, 6))):
        source = draw(st.sampled_from("abcd"))
        digest = draw(st.sampled_from((None, "11", "22")))
        split, unique = draw(st.sampled_from(SPLITS)), draw(st.booleans())
        files[f"{source}/{k}"] = (source, draw(st.sampled_from(LICENCES)), digest, split, unique)
    ends = st.tuples(
        st.sampled_from((*VIEWS, *VIEWS, "field:q")),
        st.sampled_from(sorted(files)),
        st.integers(0, RECORDS - 1),
        st.sampled_from(sorted(files)),
        st.sampled_from((None, None, "whole", "field:q")),  # None = the same view
    )
    about = st.tuples(
        st.integers(0, 2), st.sampled_from(METHODS), st.integers(0, 9), st.booleans(), st.sampled_from((10, 18, 19))
    )
    matches = draw(st.dictionaries(ends.filter(lambda end: end[1] != end[3]), about, max_size=40))
    originals = dict.fromkeys(draw(st.sets(st.sampled_from(sorted(files)), max_size=2)), "known")
    return files, matches, originals, draw(st.integers(1, 6))


def name_view(view, view_b):
    return BETWEEN if view_b not in {None, view} or view not in VIEWS else view


def make_tables(files, matches):
    """MATCHES in its sealed order, OVERLAPS and FILES."""
    rows, overlaps = [], []
    for (view, a, row, b, view_b), (other, method, distinctive, shorter, size) in matches.items():
        ends = {
            "view": view,
            "view_b": view_b or view,
            "source_a": files[a][0],
            "path_a": a,
            "source_b": files[b][0],
            "path_b": b,
        }
        sizes = {
            "shared": 7 + other,
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
                {"view": view, "view_b": view_b or view, "source_a": files[one][0], "path_a": one}
                | {"source_b": files[two][0], "path_b": two}
                | {"records_a": RECORDS, "records_b": RECORDS}
                | counts
            )
    rows.sort(
        key=lambda row: (
            (*VIEWS, BETWEEN).index(name_view(row["view"], row["view_b"])),
            *(row[name] for name in ("source_a", "path_a", "row_a", "view", "path_b", "view_b")),
        )
    )
    numbers = (
        "bytes",
        "bytes_consumed",
        "bytes_skipped",
        "records_unreadable",
        "tokens",
    )
    listed = [
        {"path": path, "source": source, "role": "data", "licence": licence, "sha256": digest}
        | {"records": RECORDS, "records_distinct": RECORDS if unique else RECORDS - 1}
        | dict.fromkeys(numbers, 0)
        for path, (source, licence, digest, _, unique) in files.items()
    ]
    return (
        schemas.rows(rows, schemas.MATCHES),
        schemas.rows(overlaps, schemas.OVERLAPS),
        schemas.ordered(schemas.rows(listed, schemas.FILES), "path"),
    )


def count(files, matches, originals, minimum):
    matched, overlaps, listed = make_tables(files, matches)
    splits = {path: split for path, (*_, split, _) in files.items() if split is not None}
    unnamed = [path for path, (*_, split, _) in files.items() if split is None]
    rules = make_rules(sorted(files), listed, minimum=minimum, originals=originals, splits=splits, unnamed=unnamed)
    tables = match_batches.count_matches(matched, rules, overlaps)
    assert {name: table.schema for name, table in tables.items()} == evidence_schemas.COUNTED
    return {name: table.to_pylist() for name, table in tables.items()}


class Hand:
    """Rows and records, counted one by one."""

    def __init__(self, files, matches, originals, minimum):
        self.files, self.originals, self.minimum = files, originals, minimum
        self.rows = [(name_view(ends[0], ends[4]), *ends[1:4], *about) for ends, about in matches.items()]

    def source(self, path):
        return self.files[path][0]

    def licence(self, path):
        known = self.files[path][1]
        return None if known == LICENCES[1] else known

    def is_evidence(self, row):
        return row[0] in {*EVIDENCE, BETWEEN} and row[6] >= self.minimum

    def is_copy(self, row):
        return self.is_evidence(row) and row[5] != "contained"

    def is_explained(self, row, by_licence):
        """Whether a known original has the row's record, or four fifths of what it shares, and the row is with none."""
        if row[3] in self.originals:
            return False
        for other in self.rows:
            same = other[0] == row[0]
            if other[1:3] != row[1:3] or not (same or row[0] == BETWEEN):
                continue
            if other[3] in self.originals and self.is_evidence(other):
                own, theirs = self.licence(other[1]), self.licence(other[3])
                enough = other[6] >= 0.8 * row[6] or (same and self.is_copy(row) and self.is_copy(other))
                if enough and (not by_licence or (theirs and not find_losses(own, theirs))):
                    return True
        return False

    def count_matched(self, rows):
        """Records that match in any way; that stand inside longer ones alone; that do no more than hold another."""
        copies, within, around = (
            {row[2] for row in rows if (row[5] != "contained", row[5] == "contained" and row[7]) == kind}
            for kind in ((True, False), (False, True), (False, False))
        )
        return len(copies | within | around), len(within - copies), len(around - copies - within)

    def count_words(self, rows, records):
        """Words that some records share: of each the most by any of its rows that is evidence; n shingles are n + 4 words."""
        shared = {
            record: [7 + row[4] + 4 for row in rows if row[2] == record and self.is_evidence(row)] for record in records
        }
        return sum(map(max, shared.values()))

    def licensed(self, row):
        return self.is_evidence(row) and not self.is_explained(row, by_licence=True)

    def between(self):
        return [row for row in self.rows if self.source(row[1]) != self.source(row[3])]

    def size(self, view, path):
        """How many records have a view, as far as OVERLAPS says: of files that match."""
        return RECORDS if any(row[0] == view and path in {row[1], row[3]} for row in self.rows) else 0

    def number_text(self, row):
        """The lowest record that a text stands in; inside a longer one, mixed with what is shared."""
        number = sorted(self.files).index(row[3]) << 39 | row[4]
        if row[5] == "contained" and row[7]:
            number = (number * 0x9E3779B97F4A7C15 + ((7 + row[4]) << 32 | row[6])) * 0xBF58476D1CE4E5B9 % 2**64 >> 2
        return number

    def distinct(self, rows, there):
        """How many texts: a record's is the lowest; whole records inside longer ones of a file without repeats are each one.

        `there` are all rows between the same places.
        """
        lowest, unique = defaultdict(list), defaultdict(set)
        within = {row[:3] for row in there if row[5] == "contained" and row[7]}
        for row in rows:
            lowest[row[1], row[2]].append(self.number_text(row))
            if row[0] == "whole" and row[:3] in within and self.files[row[1]][4]:
                unique[row[1]].add(row[2])
        return max([len({min(numbers) for numbers in lowest.values()}), *map(len, unique.values())])

    def shared(self):
        groups, found = defaultdict(list), {}
        for row in self.between():
            if row[0] in {*EVIDENCE, BETWEEN}:
                groups[row[0], row[1], self.source(row[3]), self.licence(row[3])].append(row)
        for (view, path, other, licence), rows in groups.items():
            kept = [row for row in rows if self.licensed(row)]
            if not kept:
                continue
            mine = (self.source(path), self.licence(path))
            there = [
                row for row in self.between()
                if row[0] == view
                and (self.source(row[1]), self.licence(row[1])) == mine
                and (self.source(row[3]), self.licence(row[3])) == (other, licence)
            ]  # fmt: skip
            alike = [row for row in there if self.licensed(row)]
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
                for test in (self.licensed, lambda row: row[5] == "exact", self.is_evidence)
            ]
            records, exact, enough = map(len, counts)
            matched, inside, around = self.count_matched(rows)
            found[view, path, other, licence] = {
                "source_a": mine[0], "licence_a": mine[1], "row": min(counts[0]), "records": records,
                "matched": matched, "exact": exact, "explained": enough - records, "contained_ab": inside,
                "contained_ba": around, "texts": self.distinct(alike, there), "records_a": RECORDS,
                "words": self.count_words(rows, counts[0]),
                "path_b": min(by_file, key=lambda b: (-len(by_file[b]), b)),
                "share": max(max(len(by_file[b]), back[b]) / RECORDS for b in by_file),
            }  # fmt: skip
        return found

    def uncounted(self):
        groups = defaultdict(list)
        for row in self.between():
            if row[0] in EVIDENCE:
                groups[row[0], row[1], self.source(row[3]), self.licence(row[3])].append(row)
        found = {}
        for (view, path, other, licence), rows in groups.items():
            evident = {row[2] for row in rows if self.is_evidence(row)}
            if rest := {row[2] for row in rows} - evident:
                mine = {"source_a": self.source(path), "licence_a": self.licence(path)}
                found[view, path, other, licence] = mine | {"records": len(rest), "evident": len(evident)}
        return found

    def copied(self, *, differing):
        digests = {path: about[2] for path, about in self.files.items()}
        rows = [
            row for row in self.between()
            if not differing or row[0] == BETWEEN or digests[row[1]] is None or digests[row[1]] != digests[row[3]]
        ]  # fmt: skip
        telling = [row for row in rows if self.is_evidence(row) and not self.is_explained(row, by_licence=False)]
        answered = {(row[1], row[2], self.source(row[3])) for row in rows if row[0] in {"whole", "answer"}}
        found = {}
        named = [row for row in telling if differing or row[0] != BETWEEN]
        for path, other in {(row[1], self.source(row[3])) for row in named}:
            mine = [row for row in rows if row[1] == path and self.source(row[3]) == other]
            whole, prompt = ({row[2] for row in telling if row in mine and row[0] == view} for view in EVIDENCE)
            alone = {row for row in prompt if (path, row, other) not in answered}
            pair = [row for row in telling if (self.source(row[1]), self.source(row[3])) == (self.source(path), other)]
            again = [row for row in pair if row[0] == "prompt" and (row[1], row[2], other) not in answered]
            there = [row for row in rows if (self.source(row[1]), self.source(row[3])) == (self.source(path), other)]
            counts = [self.count_matched([row for row in mine if row[0] == view]) for view in EVIDENCE]
            matched = {row[2] for row in mine if row[0] == "whole"}
            crossed = {row[2] for row in mine if row[0] == BETWEEN} - matched if differing else set()
            between = {row[2] for row in telling if row in mine and row[0] == BETWEEN} if differing else set()
            view, kept = ("whole", whole) if differing else ("prompt", alone)
            every = [row for row in self.between() if row[:2] == (view, path) and self.source(row[3]) == other]
            beside = [row for row in self.between() if row[:2] == (BETWEEN, path) and self.source(row[3]) == other]
            texts = [self.distinct([row for row in pair if row[0] == each], there) for each in ("whole", BETWEEN)]
            found[path, other] = {
                "source_a": self.source(path), "records": len(whole | between), "prompts": len(prompt),
                "reanswered": len(alone), "crossed": len(crossed),
                "row": min(alone or whole | between or prompt), "records_a": self.size("whole", path), "prompts_a": self.size("prompt", path),
                **dict(zip(("matched", "contained_ab", "contained_ba"), counts[0], strict=True)),
                **dict(zip(("prompts_matched", "prompts_ab", "prompts_ba"), counts[1], strict=True)),
                "texts": max(texts) if differing else self.distinct(again, there),
                "words": self.count_words(every, kept) + self.count_words(beside, between - whole),
            }  # fmt: skip
            found[path, other]["matched"] += len(crossed)
        return found

    def leaks(self):
        pairs, found = defaultdict(list), {}
        for row in self.rows:
            if row[0] in EVIDENCE and self.is_held_out(row[1], row[3]):
                pairs[row[1], self.source(row[3])].append(row)
        for (path, other), rows in pairs.items():
            copies = [row for row in rows if self.is_copy(row)]
            parts = [row for row in rows if row[5] == "contained" and row[6] >= self.minimum and self.covers(row)]
            whole = {row[2] for row in copies if row[0] == "whole"}
            records = {row[2] for row in copies + parts}
            holding = defaultdict(set)
            for row in filter(self.is_evidence, rows):
                holding[row[3]].add(row[2])
            files = {row[3] for row in rows}
            most = max(files, key=lambda b: (self.is_training(b), len(holding[b]), b))
            back = [
                row[2] for row in self.rows
                if row[0] in EVIDENCE and row[1] == most
                and self.source(row[3]) == self.source(path) and self.is_held_out(row[3], most)
                and (self.is_copy(row) or (self.is_part(row) and self.covers_back(row)))
            ]  # fmt: skip
            found[path, other] = {
                "source": self.source(path), "other_path": most, "trained": self.is_training(most),
                "records": len(records), "held": min(len(records), len(holding[most])), "whole": len(whole),
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
            near = {row[2] for row in rows if row[5] == "near" and self.is_copy(row)} - same
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
    assert by_key(tables["uncounted"], "view", "path_a", "source_b", "licence_b") == hand.uncounted()
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
    tables = count({"a/x": ("a", "MIT", None, None, True)}, {}, {}, 1)
    assert tables == {name: [] for name in evidence_schemas.COUNTED}
