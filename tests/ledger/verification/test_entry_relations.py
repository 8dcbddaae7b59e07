"""Relations between entries, as tables: what an act may refer to, who must approve, and who must sign."""

from datetime import UTC, datetime
from hashlib import sha256

import pytest

from provenance.core.digests import canonical
from provenance.ledger.format import draw_algorithm, statement
from provenance.ledger.keys.trusted_keys import Pin, Trust
from provenance.ledger.log.entry_cosignatures import EntryCosignature
from provenance.ledger.log.key_history import Revocation, Succession
from provenance.ledger.verification import entry_relations
from provenance.ledger.verification.results import INVALID, UNPINNED

ORIGIN, FINDING = "acme.example/log", "f" * 32
FILES = [
    {"path": "a", "records": 3, "role": "data", "source": "./"},
    {"path": "b", "records": 2, "role": "data", "source": "b"},
]
SINCE = datetime(2025, 6, 1, tzinfo=UTC)


class Made:
    """Entries of a ledger in a folder: each is put there with its document, its signature left out."""

    def __init__(self, folder):
        self.folder, self.statements, self.roots = folder, [], [bytes([size]) * 32 for size in range(9)]

    def bind(self, data):
        path = statement.object_path(sha256(data).hexdigest())
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_bytes(data)
        return path

    def add(self, kind, document=b"", **predicate):
        index = len(self.statements)
        lines = {name: {"lines": self.bind(data)} for name, data in predicate.pop("lines", {}).items()}
        if lines:
            predicate["tables"] = lines
        folder = {self.bind(document): ""} | {each["lines"]: "" for each in lines.values()}
        subject = [{"digest": {"sha256": sha256(document).hexdigest()}}]
        value = {
            "predicateType": statement.predicate_type(kind),
            "subject": subject,
            "predicate": {"kind": kind, **predicate},
        }
        self.statements.append(statement.Statement(value, statement.Place(ORIGIN, index, ""), folder))
        return index

    def scan(self, **more):
        lines = {
            "files": b"".join(canonical(each) + b"\n" for each in FILES),
            "findings": b'{"fingerprint":"' + FINDING.encode() + b'"}\n',
        }
        return self.add("dataset-scan", lines=lines, **more)

    def draw(self, document=None, **changes):
        root = self.roots[1].hex()
        frame = draw_algorithm.read_frame(map(canonical, FILES))
        seed = draw_algorithm.derive_seed(root, "safety", None, changes.get("number", 0))
        drawn = draw_algorithm.draw_records(seed, 2, frame)
        said = {
            "scan": {"entry": 0, "rootHash": root}, "purpose": "safety", "number": 0, "seed": seed, "size": 2,
            "drawn": len(drawn), "frame": {"files": 2, "records": 5},
        }  # fmt: skip
        made = draw_algorithm.write_document(drawn) if document is None else document
        return self.add("draw", made, **said | changes)

    def review(self, entry=1, *, verdicts=("pass", "fail"), rows=None, **changes):
        drawn = self.statements[1]
        path = self.folder / statement.object_path(drawn.value["subject"][0]["digest"]["sha256"])
        places = draw_algorithm.read_document(path.read_bytes().splitlines())
        answers = [
            {
                "path": each["path"],
                "row": each["row"],
                "verdict": verdict,
                "problem": None if verdict == "pass" else "A.1",
            }
            for each, verdict in zip(places, verdicts, strict=True)
        ]
        document = b"".join(canonical(each) + b"\n" for each in rows or answers)
        said = {
            "draw": {"entry": entry, "digest": drawn.value["subject"][0]["digest"]}
        } | entry_relations.count_judgements(answers)
        return self.add("review", document, **said | changes)

    def acts(self):
        return list(entry_relations.check_acts(entry_relations.SignedEntries(self.folder, self.statements, self.roots)))


@pytest.fixture
def made(tmp_path):
    found = Made(tmp_path)
    found.scan()
    return found


def waiver(made, entry=0, fingerprint=FINDING):
    return made.add("waiver", finding={"entry": entry, "fingerprint": fingerprint})


def derivation(made, entry=0, **more):
    return made.add("derivation", inputs=[{"entry": entry}, {"name": "elsewhere"}], **more)


# what is put after a scan, and what is wrong with it
ACTS = {
    "a waiver": (waiver, None),
    "a waiver of nothing": (lambda made: waiver(made, fingerprint="0" * 32), "waiver 1: entry 0 has no such finding"),
    "a waiver of itself": (lambda made: waiver(made, 1), "waiver 1: it refers to entry 1, which does not stand before it"),
    "a waiver of what is to come": (lambda made: waiver(made, 7), "entry 7, which does not stand before it"),
    "a waiver of a waiver": (lambda made: (waiver(made), waiver(made, 1)), "waiver 2: it refers to entry 1, which is a waiver"),
    "a decision": (lambda made: made.add("decision", about={"entry": 0}), None),
    "a decision about itself": (lambda made: made.add("decision", about={"entry": 1}), "does not stand before it"),
    "a draw": (Made.draw, None),
    "a draw on another log": (lambda made: made.draw(scan={"entry": 0, "rootHash": "00" * 32}), "another root of the log"),
    "a second draw that says it is the first": (lambda made: (made.draw(), made.draw()), "draw 2: 1 draws for its purpose"),
    "a second draw": (lambda made: (made.draw(), made.draw(number=1)), None),
    "a seed that was chosen": (lambda made: made.draw(seed="00" * 32), "its seed is not that of its scan"),
    "another nonce": (lambda made: made.draw(nonce="00" * 8), "its seed is not that of its scan"),
    "another frame": (lambda made: made.draw(frame={"files": 2, "records": 6}), "from another number of records"),
    "records that were chosen": (lambda made: made.draw(b'{"path":"a","row":0}\n'), "not those that its seed draws"),
    "more drawn than there are": (lambda made: made.draw(drawn=3), "not those that its seed draws"),
    "a draw from one source": (lambda made: made.draw(sources=["b"]), "from another number of records"),
    "a review": (lambda made: (made.draw(), made.review()), None),
    "a review of a scan": (lambda made: (made.draw(), made.review(0)), "review 2: it refers to entry 0, which is a dataset-scan"),
    "a review of another draw": (
        lambda made: (made.draw(), made.review(draw={"entry": 1, "digest": {"sha256": "00" * 32}})),
        "another list of records than its draw's",
    ),
    "other records": (
        lambda made: (made.draw(), made.review(rows=[{"path": "a", "row": 9, "verdict": "pass", "problem": None}])),
        "does not answer for the records that were drawn",
    ),
    "a verdict that is none": (lambda made: (made.draw(), made.review(verdicts=("pass", "maybe"))), "a verdict that is none"),
    "counts that are false": (lambda made: (made.draw(), made.review(counts={"drawn": 2})), "not those of its answers"),
    "problems that are hidden": (lambda made: (made.draw(), made.review(problems=[])), "not those of its answers"),
    "a derivation": (derivation, None),
    "a derivation of itself": (lambda made: derivation(made, 1), "derivation 1: it refers to entry 1"),
    "a derivation of a waiver": (lambda made: (waiver(made), derivation(made, 1)), "which is a waiver, no dataset-scan or"),
    "a list that is not bound": (lambda made: derivation(made, outputs={"lines": "objects/x"}), "binds no list of what it made"),
}  # fmt: skip


@pytest.mark.parametrize("case", ACTS)
def test_an_act_agrees_with_what_it_refers_to(made, case):
    act, fault = ACTS[case]
    act(made)
    [step] = made.acts()
    assert (step.name, step.status, step.code) == ("acts", "ok" if fault is None else "failed", INVALID), step.detail
    assert fault is None or fault in step.detail


def test_nothing_is_said_where_there_are_no_acts(made):
    assert made.acts() == []


@pytest.mark.parametrize("act", [waiver, Made.draw])
def test_what_is_withheld_is_said(made, act):
    act(made)
    for table in made.statements[0].predicate["tables"].values():
        (made.folder / table["lines"]).unlink()
    [step] = made.acts()
    assert (step.status, step.detail) == ("not checked", "what entry 1 rests on is withheld")


@pytest.mark.parametrize(
    ("reviews", "status", "sentence"),
    [
        (0, "not checked", "has no review (entry 1)"),
        (1, "ok", "was drawn once"),
        (2, "ok", "reviewed more than once: entry 1"),
    ],
)
def test_a_draw_that_nobody_reviewed_is_named(made, reviews, status, sentence):
    made.draw()
    for _ in range(reviews):
        made.review()
    [step] = entry_relations.check_draws(made.statements)
    assert (step.name, step.status, sentence in step.detail) == ("draws", status, True), step.detail


def rules(*, approvers=0, signers=1, roles=("waiver", "statement"), origin=None, revoked=None):
    pins = tuple(Pin(key, frozenset(roles), key.upper()) for key in ("op", "ann", "ben", "old"))
    succession = Succession({"statement": "old"})
    succession.follow(0, {
        "action": "rotate", "folder": [{"path": "p"}],
        "changes": [{"role": "statement", "before": "old", "after": "op", "path": "p"}],
    })  # fmt: skip
    succession.revoked |= revoked or {}
    trust = Trust(pins, origin, approvers=approvers, signers=signers)
    return entry_relations.SignatureRules({1: "op", 2: "op"}, trust, ORIGIN, succession)


def approval(key, *, name="approver", checked=True, index=1):
    return EntryCosignature(index, name, key, checked)


GIVEN = {"finding": {"fingerprint": FINDING}, "expires": "2027-01-01", "reason": "r", "approver": "A."}


@pytest.mark.parametrize(
    ("cosignatures", "changes", "given", "sentence"),
    [
        ([approval("ann")], {}, {}, None),
        ([], {}, {}, "nobody but the operator"),
        ([approval("op")], {}, {}, "nobody but the operator"),  # the operator is no other hand
        ([approval("ann", name="signer-2")], {}, {}, "nobody but the operator"),
        ([approval("ann", checked=False)], {}, {}, "nobody but the operator"),
        ([approval("ann", index=2)], {}, {}, "nobody but the operator"),  # over another entry
        ([approval("ann")], {"approverKey": "ben"}, {}, "nobody but the operator"),
        ([approval("ann")], {"approverKey": "ann"}, {}, None),
        ([approval("eve")], {}, {}, "eve, which nobody pinned for waivers"),
        ([approval("ann")], {}, {"roles": ("statement",)}, "ann, which nobody pinned for waivers"),
        ([approval("ann")], {}, {"origin": "another/log"}, "ann, which nobody pinned for waivers"),
        ([approval("old")], {}, {}, "old, which signs entries of this ledger itself"),
        ([approval("ann")], {}, {"revoked": {"ann": Revocation(5, None, "left")}}, None),
        ([approval("ann")], {}, {"revoked": {"ann": Revocation(1, None, "left")}}, "ann, which was revoked"),
        ([approval("ann")], {}, {"revoked": {"ann": Revocation(5, SINCE, "stolen")}}, "ann, which was revoked"),
    ],
)
@pytest.mark.parametrize("asked", [0, 1])
def test_who_approves_a_waiver(cosignatures, changes, given, sentence, asked):
    signatures = rules(approvers=asked, **given)
    [step] = entry_relations.check_waivers(signatures, waivers={1: GIVEN | changes}, cosignatures=cosignatures)
    expected = "waiver 1: approved by ann (ANN)" if sentence is None else f"waiver 1: approved by {sentence}"
    assert (step.status, step.detail) == ("ok" if sentence is None else "failed" if asked else "not checked", expected)
    assert step.status != "failed" or step.code == UNPINNED


@pytest.mark.parametrize(
    ("of_file", "counts"),
    [
        ({"findings": [FINDING], "expires": "2027-01-01"}, True),
        ({"findings": [FINDING], "expires": "2026-01-01"}, True),
        ({"findings": [FINDING], "expires": "2027-01-02"}, False),  # longer than the entry that is approved
        ({"findings": [FINDING, "0" * 32], "expires": "2027-01-01"}, False),
        ({"findings": [], "expires": "2027-01-01"}, False),
        ({"expires": "2027-01-01"}, False),
        ({"findings": "all", "expires": "2027-01-01"}, False),
    ],
)
def test_a_waiver_of_a_file_needs_an_approved_entry(of_file, counts):
    [step] = entry_relations.check_waivers(
        rules(approvers=1), waivers={1: GIVEN}, cosignatures=[approval("ann")], of_files={2: [of_file]}
    )
    assert step.status == ("ok" if counts else "failed")
    assert counts or "scan 2: 1 waiver of a file, signed by nobody but the operator" in step.detail


NAMED = {"state": "holds", "entry": 1, "fingerprint": FINDING, "findings": [FINDING], "reason": "r", "approver": "A.", "expires": "2027-01-01"}  # fmt: skip


@pytest.mark.parametrize(
    ("listed", "known", "of_files"),
    [
        (NAMED, True, 0),
        (NAMED | {"state": "expired"}, True, 0),
        (NAMED | {"reason": "another"}, True, 1),
        (NAMED | {"expires": "2099-01-01"}, True, 1),
        (NAMED | {"findings": [FINDING, "0" * 32]}, True, 1),
        (NAMED | {"entry": 5}, True, 1),  # it does not stand before the scan
        (NAMED | {"entry": "1"}, True, 1),
        ({"state": "holds"}, True, 1),
        (NAMED | {"reason": "another"}, False, 0),  # of one entry alone, others are not looked at
        ({"state": "holds"}, False, 1),
        ("no waiver", True, 0),
    ],
)
def test_which_waivers_are_of_a_file(listed, known, of_files):
    scan = {"log": {"index": 3}, "waivers": [listed]}
    found = entry_relations.waivers_of_files(scan, {1: GIVEN, 5: GIVEN} if known else None)
    assert found == [listed] * of_files


@pytest.mark.parametrize(
    ("cosigners", "signers", "given", "status", "sentence"),
    [
        ([], 1, {}, None, ""),
        ([], 2, {}, "failed", "signed by 1 of 2 pinned keys"),
        (["ann"], 2, {}, "ok", "assessment 1: signed by ANN too"),
        (["ann", "ann"], 3, {}, "failed", "signed by 2 of 3 pinned keys"),  # one key is one hand
        (["ann", "ben"], 3, {}, "ok", "signed by ANN, BEN too"),
        (["op"], 2, {}, "failed", "signed by 1 of 2"),
        (["old"], 2, {}, "failed", "signed by 1 of 2"),  # whoever kept the ledger is no second hand
        (["eve"], 1, {}, "not checked", "signed by eve too, which nobody pinned"),
        (["eve"], 2, {}, "failed", "signed by eve too, which nobody pinned"),
        (["ann"], 2, {"origin": "another/log"}, "failed", "signed by ann too, which nobody pinned"),
        (["ann"], 2, {"revoked": {"ann": Revocation(1, None, "left")}}, "failed", "ann too, which was revoked"),
        (["ann"], 1, {"revoked": {"ann": Revocation(1, None, "left")}}, "not checked", "ann too, which was revoked"),
        (["ann"], 2, {"revoked": {"ann": Revocation(2, None, "left")}}, "ok", "signed by ANN too"),
    ],
)
def test_who_signs_an_assessment(cosigners, signers, given, status, sentence):
    found = list(entry_relations.check_assessments(rules(signers=signers, **given), {1: cosigners}))
    assert [step.status for step in found] == ([] if status is None else [status])
    assert all(sentence in step.detail and step.code in (INVALID, UNPINNED) for step in found)
    assert status != "failed" or found[0].code == UNPINNED
