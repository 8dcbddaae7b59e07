import csv
import io
import json
import threading

import pytest

import provenance as pv
from provenance import ledger
from provenance.attestations import actions, draw, review
from provenance.cli import run
from provenance.core import confidence_intervals
from provenance.core.digests import sha256
from provenance.errors import ConfigError
from provenance.ledger.format import draw_algorithm, statement
from provenance.pipeline import audit

pytestmark = pytest.mark.usefixtures("in_process")

BY = {"name": "R. Reviewer", "role": "annotator"}
PURPOSE = "safety of the corpus"


def drawn(world, entry):
    said = ledger.read_entry(world / "ledger", entry)
    digest = said["subject"][0]["digest"]["sha256"]
    return [json.loads(line) for line in (world / "ledger" / statement.object_path(digest)).read_bytes().splitlines()]


def filled(world, entry, *verdicts, name="form.csv", problem="A.1"):
    """A form with these verdicts, the rest empty."""
    rows = list(csv.DictReader(io.StringIO(actions.review_form(world / "ledger", entry, "f.csv").decode(), newline="")))
    for row, verdict in zip(rows, verdicts, strict=False):
        row["verdict"], row["problem"] = verdict, problem if verdict == "fail" else ""
    path = world / name
    if name.endswith(".csv"):
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    else:
        path.write_text("".join(json.dumps({**row, "row": int(row["row"])}) + "\n" for row in rows))
    return path


def test_a_draw_is_signed_before_anybody_looks_and_drawn_again_by_a_verifier(world, verified):
    entry = pv.sample(world / "ledger", 10, PURPOSE)
    said = entry.statement["predicate"]
    assert (said["drawn"], said["number"], said["frame"]) == (10, 0, {"files": 2, "records": 60})
    assert said["scan"]["rootHash"] == ledger.read_entry(world / "ledger", 1)["predicate"]["log"]["prev"]["rootHash"]
    assert len({(row["path"], row["row"]) for row in drawn(world, 1)}) == 10
    assert set(pv.open_ledger(world / "ledger").records(world / "data", [(r["path"], r["row"]) for r in drawn(world, 1)])["path"]) <= {"bare/x.jsonl", "nc/x.jsonl"}  # fmt: skip
    told = verified(world / "ledger", strict=True)
    assert (told.code, told.status("acts"), told.status("draws")) == (0, "ok", "not checked")
    assert told.detail("draws") == f"{PURPOSE!r} was drawn once; 1 has no review (entry 1)"


def test_draws_that_meet_take_numbers_of_their_own(world, verified, monkeypatch):
    """Both are composed before either is appended, as two people at two desks would."""
    meeting, compose, seen, asked = threading.Barrier(2), draw.compose, [], []

    def composed(*given, **more):
        act = compose(*given, **more)
        if len(asked) < 2:
            asked.append(act.facts["number"])
            meeting.wait(timeout=60)
        return act

    def run():
        seen.append(pv.sample(world / "ledger", 5, PURPOSE).statement["predicate"]["number"])

    monkeypatch.setattr(draw, "compose", composed)
    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (asked, sorted(seen)) == ([0, 0], [0, 1])
    assert verified(world / "ledger", strict=True).code == 0


def test_a_sample_that_is_drawn_until_it_passes_is_seen(world, verified):
    seen = []
    for _ in range(3):
        entry = pv.sample(world / "ledger", 10, f"  {PURPOSE}\n")  # white space makes no other purpose
        seen.append((entry.statement["predicate"]["number"], entry.statement["predicate"]["seed"]))
    assert [number for number, _ in seen] == [0, 1, 2]
    assert len({seed for _, seed in seen}) == 3
    pv.review(world / "ledger", filled(world, 3, *["pass"] * 10), **BY)
    told = verified(world / "ledger")
    assert told.code == 0
    assert told.detail("draws") == f"{PURPOSE!r} was drawn 3 times; 2 have no review (entries 1, 2)"
    for entry in (1, 2, 2):
        pv.review(world / "ledger", filled(world, entry, *["fail"] * 10), **BY)
    told = verified(world / "ledger")
    assert (told.status("draws"), told.detail("draws")) == ("ok", f"{PURPOSE!r} was drawn 3 times; reviewed more than once: entry 2")  # fmt: skip


def test_the_seed_depends_on_all_that_it_names(world):
    first = draw.compose(world / "ledger", 10, PURPOSE).facts
    assert draw.compose(world / "ledger", 10, PURPOSE).facts["seed"] == first["seed"]
    others = [
        draw.compose(world / "ledger", 10, "another").facts["seed"],
        draw.compose(world / "ledger", 10, PURPOSE, nonce="00" * 8).facts["seed"],
    ]
    pv.scan(world / "data", world / "ledger")
    others.append(draw.compose(world / "ledger", 10, PURPOSE).facts["seed"])
    assert len({first["seed"], *others}) == 4
    assert draw.compose(world / "ledger", 10, PURPOSE, index=0).facts["seed"] == first["seed"]


def test_from_one_source_alone(world, verified):
    entry = pv.sample(world / "ledger", 1000, PURPOSE, sources=["nc"])
    assert entry.statement["predicate"]["sources"] == ["nc"]
    assert [(row["path"], row["row"]) for row in drawn(world, 1)] == [("nc/x.jsonl", at) for at in range(30)]
    assert verified(world / "ledger").status("acts") == "ok"


# what is given, part of the sentence
REFUSED = {
    "nothing": ({"size": 0}, "a draw is of 1 to"),
    "too many": ({"size": 1_000_001}, "a draw is of 1 to"),
    "no purpose": ({"purpose": " "}, "what the draw is for"),
    "a novel": ({"purpose": "x" * 201}, "what the draw is for"),
    "a short nonce": ({"nonce": "00"}, "16 to 128 hexadecimal"),
    "an odd nonce": ({"nonce": "0" * 17}, "16 to 128 hexadecimal"),
    "no source": ({"sources": ["mars"]}, "has no source 'mars'"),
    "no entry": ({"index": 3}, "has no entry 3"),
}


@pytest.mark.parametrize(("change", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(world, change, sentence):
    with pytest.raises(ConfigError, match=sentence):
        pv.sample(world / "ledger", **{"size": 5, "purpose": PURPOSE, **change})
    assert ledger.size(world / "ledger") == 1


def test_a_sample_is_not_drawn_from(world):
    pv.scan(world / "data", world / "ledger", sample=0.5)
    with pytest.raises(ConfigError, match="looked at a sample itself"):
        pv.sample(world / "ledger", 5, PURPOSE)


# what an operator who holds the keys would say, part of the sentence
LIES = {
    "hand-picked records": ({"document": draw_algorithm.write_document([("bare/x.jsonl", at) for at in range(5)])}, "not those that its seed draws"),
    "a chosen seed": ({"seed": "ab" * 32}, "its seed is not that"),
    "a draw that was not counted": ({"number": 1}, "0 draws for its purpose stand before it, not 1"),
    "another nonce": ({"nonce": "cd" * 8}, "its seed is not that"),
    "another log": ({"scan": {"entry": 0, "rootHash": "ab" * 32}}, "another root of the log"),
    "a smaller frame": ({"frame": {"files": 1, "records": 30}}, "another number of records"),
    "a source that was not drawn from": ({"sources": ["nc"]}, "another number of records"),
    "fewer than it says": ({"drawn": 4}, "not those that its seed draws"),
    "no scan": ({"scan": {"entry": 1, "rootHash": "ab" * 32}}, "which does not stand before it"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "sentence"), LIES.values(), ids=LIES)
def test_lies_about_a_draw(world, verified, sealed_act, changes, sentence):
    sealed_act(world / "ledger", draw.compose(world / "ledger", 5, PURPOSE), **changes)
    told = verified(world / "ledger")
    assert (told.code, told.status("acts")) == (1, "failed")
    assert sentence in told.detail("acts")


@pytest.mark.parametrize("name", ["form.csv", "form.jsonl"])
def test_a_review_counts_every_record_that_was_drawn(world, verified, name):
    pv.sample(world / "ledger", 20, PURPOSE)
    verdicts = ["pass"] * 12 + ["fail"] * 3 + ["unreadable"] * 2
    entry = pv.review(world / "ledger", filled(world, 1, *verdicts, name=name), **BY, organisation="Acme")
    said = entry.statement["predicate"]
    assert said["counts"] == {"drawn": 20, "passed": 12, "failed": 3, "unreadable": 2, "unanswered": 3}
    assert said["problems"] == [{"problem": "A.1", "count": 3}]
    low, high = confidence_intervals.clopper_pearson(12, 20)
    assert said["share"] == {"passed": 0.6, "low": low, "high": high, "method": "clopper-pearson", "confidence": "0.95"}
    assert said["by"] == {**BY, "organisation": "Acme"}
    assert [set(row) for row in drawn(world, 2)] == [{"path", "row", "verdict", "problem"}] * 20
    told = verified(world / "ledger", strict=True)
    assert (told.code, told.status("acts"), told.status("draws")) == (0, "ok", "ok")


def test_rows_may_be_missing_and_in_any_order(world):
    pv.sample(world / "ledger", 4, PURPOSE)
    lines = filled(world, 1, "pass", "pass", "fail", "pass").read_text().splitlines()
    (world / "form.csv").write_text("\n".join([lines[0], lines[3], lines[1]]))
    counts = pv.review(world / "ledger", world / "form.csv", **BY).statement["predicate"]["counts"]
    assert counts == {"drawn": 4, "passed": 1, "failed": 1, "unreadable": 0, "unanswered": 2}


def test_other_columns_do_not_go_into_the_ledger(world):
    pv.sample(world / "ledger", 2, PURPOSE)
    rows = filled(world, 1, "pass", "pass", name="form.jsonl").read_text().splitlines()
    (world / "form.jsonl").write_text("".join(json.dumps(json.loads(row) | {"text": "SECRET"}) + "\n" for row in rows))
    pv.review(world / "ledger", world / "form.jsonl", **BY)
    files = [path for path in (world / "ledger").rglob("*") if path.is_file()]
    assert files
    assert not any(b"SECRET" in path.read_bytes() for path in files)


# what stands in the form, part of the sentence
HEAD = "draw,path,row,verdict,problem\n"
BAD = {
    "nothing": ("form.csv", HEAD, "holds no answer"),
    "no answer": ("form.csv", f"{HEAD}1,{{path}},{{row}},,\n", "answers for no record"),
    "semicolons": ("form.csv", HEAD.replace(",", ";"), "separate the columns by commas, not by ;"),
    "no columns": ("form.csv", "a,b\n", "must have the columns"),
    "no file": ("none.csv", None, "cannot be read"),
    "no ending": ("form.txt", HEAD, "is a .csv or .jsonl file"),
    "no UTF-8": ("form.csv", b"\xff\xfe\0", "is not UTF-8"),
    "another word": ("form.csv", f"{HEAD}1,{{path}},{{row}},maybe,\n", "line 2: the verdict 'maybe' is none of"),
    "a problem that passed": ("form.csv", f"{HEAD}1,{{path}},{{row}},pass,A.1\n", "the verdict is not fail"),
    "text of a record": ("form.csv", f"{HEAD}1,{{path}},{{row}},fail,it says so\n", "no text"),
    "what was not drawn": ("form.csv", f"{HEAD}1,{{path}},99,pass,\n", "did not draw"),
    "another path": ("form.csv", f"{HEAD}1,../../etc/passwd,0,pass,\n", "did not draw"),
    "twice": ("form.csv", f"{HEAD}1,{{path}},{{row}},pass,\n1,{{path}},{{row}},fail,\n", "line 3: row"),
    "two draws": ("form.csv", f"{HEAD}1,{{path}},{{row}},pass,\n0,{{path}},{{row}},pass,\n", "one form answers for one draw"),
    "a scan": ("form.csv", f"{HEAD}0,{{path}},{{row}},pass,\n", "is a dataset-scan, no draw"),
    "no draw": ("form.csv", f"{HEAD}7,{{path}},{{row}},pass,\n", "has no entry 7"),
    "no number": ("form.csv", f"{HEAD}x,{{path}},{{row}},pass,\n", "does not say which record"),
    "no JSON": ("form.jsonl", "{", "line 1 is not JSON"),
    "deep": ("form.jsonl", "[" * 10**5, "line 1 is not JSON"),
    "a verdict twice": ("form.jsonl", '{"draw":1,"path":"nc/x.jsonl","row":0,"verdict":"fail","verdict":"pass"}', "says something twice"),
    "a column twice": ("form.csv", HEAD.strip() + ",verdict\n1,nc/x.jsonl,0,fail,,pass\n", "has the column verdict twice"),
    "no row": ("form.jsonl", "[1]\n", "does not say which record"),
    "half a row": ("form.jsonl", '{"draw":1,"path":"a","row":1.5}\n', "does not say which record"),
    "no word": ("form.jsonl", '{"draw":1,"path":"a","row":1,"verdict":1}\n', "are words"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "content", "sentence"), BAD.values(), ids=BAD)
def test_what_is_no_review(world, name, content, sentence):
    pv.sample(world / "ledger", 3, PURPOSE)
    row = drawn(world, 1)[0]
    if isinstance(content, bytes):
        (world / name).write_bytes(content)
    elif content is not None:
        (world / name).write_text(content.replace("{path}", row["path"]).replace("{row}", str(row["row"])))
    with pytest.raises(ConfigError, match=sentence):
        pv.review(world / "ledger", world / name, **BY)
    assert ledger.size(world / "ledger") == 2


@pytest.mark.parametrize("by", [{"name": " "}, {"role": "x" * 201}, {"name": "li.hua1987@gmail.com"}])
def test_who_reviews(world, by):
    pv.sample(world / "ledger", 2, PURPOSE)
    with pytest.raises(ConfigError):
        pv.review(world / "ledger", filled(world, 1, "pass"), **BY | by)


def test_a_path_that_is_a_formula_stays_a_path(world):
    """Spreadsheets run what begins with an equals sign."""
    name = "=cmd|' ü,\"\n.jsonl"
    for path in ((world / "data" / "nc" / each) for each in (name, "'=plain.jsonl", "'quoted.jsonl")):
        path.write_text('{"text": "some text of one record"}\n')
    pv.scan(world / "data", world / "ledger")
    pv.sample(world / "ledger", 1000, PURPOSE)
    form = actions.review_form(world / "ledger", 2, "form.csv").decode()
    cells = [row["path"] for row in csv.DictReader(io.StringIO(form, newline=""))]
    assert not any(cell.startswith("=") for cell in cells)
    (world / "form.csv").write_bytes(form.replace(",,", ",pass,").encode())
    said = pv.review(world / "ledger", world / "form.csv", **BY).statement["predicate"]
    assert said["counts"]["passed"] == said["counts"]["drawn"] == 63


REVIEW_LIES = {
    "better counts": (lambda facts, _: {"counts": facts["counts"] | {"passed": 5, "failed": 0}}, "not those of its answers"),
    "a better share": (lambda facts, _: {"share": facts["share"] | {"passed": 1.0}}, "not those of its answers"),
    "a narrower interval": (lambda facts, _: {"share": facts["share"] | {"low": 0.5}}, "not those of its answers"),
    "fewer problems": (lambda *_: {"problems": []}, "not those of its answers"),
    "fewer records": (lambda _, rows: {"document": lines(rows[1:])}, "does not answer for the records"),
    "other records": (lambda _, rows: {"document": lines([rows[0] | {"row": 29, "path": "zz"}, *rows[1:]])}, "does not answer for the records"),
    "another verdict": (lambda _, rows: {"document": lines([rows[0] | {"verdict": "fine"}, *rows[1:]])}, "a verdict that is none"),
    "a list for a verdict": (lambda _, rows: {"document": lines([rows[0] | {"verdict": []}, *rows[1:]])}, "a verdict that is none"),
    "another list": (lambda *_: {"draw": {"entry": 1, "digest": {"sha256": sha256(b"")}}}, "another list of records"),
    "a scan": (lambda facts, _: {"draw": facts["draw"] | {"entry": 0}}, "which is a dataset-scan, no draw"),
    "later": (lambda facts, _: {"draw": facts["draw"] | {"entry": 2}}, "does not stand before it"),
    "no lines": (lambda *_: {"document": b"\xff"}, "its list of records is none"),
}  # fmt: skip


def lines(rows):
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@pytest.mark.parametrize(("make", "sentence"), REVIEW_LIES.values(), ids=REVIEW_LIES)
def test_lies_about_a_review(world, verified, sealed_act, make, sentence):
    pv.sample(world / "ledger", 5, PURPOSE)
    act = review.compose(world / "ledger", filled(world, 1, "pass", "pass", "fail", "fail"), BY)
    rows = [json.loads(line) for line in act.document.splitlines()]
    sealed_act(world / "ledger", act, **make(act.facts, rows))
    told = verified(world / "ledger")
    assert (told.code, told.status("acts")) == (1, "failed")
    assert sentence in told.detail("acts")


def test_show_and_the_clause_matrix_tell_what_people_did(world, capfd):
    folder = world / "ledger"
    pv.sample(folder, 5, "safety\x1b[31m")
    pv.sample(folder, 5, PURPOSE)
    pv.review(folder, filled(world, 2, *["pass"] * 5), **BY)
    assert run(["show", str(folder)]) == 0
    out = capfd.readouterr().out
    assert "entry 3: R. Reviewer (annotator) on draw 2: 5 of 5 passed (100.00%; of the whole between 47.82%" in out
    assert "1 has no review (entry 1)" in out
    assert "\x1b[31m" not in out
    written = audit.write_filing(folder, "clause-matrix-md").decode()
    assert "on draw 2: 5 of 5 passed" in written
    assert (
        "&#x27;safety of the corpus&#x27; was drawn once" in written
        or "'safety of the corpus' was drawn once" in written
    )


def test_what_is_withheld_is_said(world, verified):
    pv.sample(world / "ledger", 5, PURPOSE)
    pv.review(world / "ledger", filled(world, 1, *["pass"] * 5), **BY)
    digest = ledger.read_entry(world / "ledger", 1)["subject"][0]["digest"]["sha256"]
    (world / "ledger" / statement.object_path(digest)).unlink()
    told = verified(world / "ledger")
    assert (told.code, told.status("acts")) == (5, "not checked")


def test_the_commands(world, capfd):
    folder, form = str(world / "ledger"), str(world / "form.csv")
    assert run(["sample", folder, "--size", "4", "--purpose", PURPOSE, "-o", form]) == 0
    assert "Entry 1 of" in (out := capfd.readouterr().out)
    assert f"provenance review {folder} {form}" in out
    assert out.splitlines()[-1].startswith("A verdict is pass, fail or unreadable; a problem")
    filled(world, 1, "pass", "pass", "pass", "fail")
    assert run(["review", folder, form, "--by", "R.", "--role", "annotator"]) == 0
    assert "3 of 4 passed, 1 failed, 0 unreadable, 0 without an answer" in (out := capfd.readouterr().out)
    assert "75.00%" in out
    assert run(["sample", folder, "--size", "1", "--purpose", PURPOSE, "--nonce", "ab" * 8]) == 0
    assert "It is draw 2 for this purpose" in (out := capfd.readouterr().out)
    assert "draw,path,row,verdict,problem" in out
    assert run(["sample", folder, "--size", "1", "--purpose", PURPOSE, "-o", "form.doc"]) == 2
    assert ledger.size(world / "ledger") == 4  # a form that cannot be written draws nothing
    assert run(["review", folder, form]) == 2
    capfd.readouterr()


@pytest.mark.parametrize("output", ["form.csv", "none/form.csv", "form.txt"])
def test_a_form_that_cannot_be_written_draws_nothing(world, monkeypatch, capfd, output):
    monkeypatch.chdir(world)
    (world / "form.csv").write_text("somebody's answers\n")
    assert run(["sample", "ledger", "--size", "1", "--purpose", PURPOSE, "-o", output]) == 2
    assert f"{output.removesuffix('/form.csv')}" in capfd.readouterr().err
    assert ledger.size(world / "ledger") == 1
    assert (world / "form.csv").read_text() == "somebody's answers\n"


def test_the_form_of_a_draw_is_written_again(world, monkeypatch, capfd):
    monkeypatch.chdir(world)
    assert run(["sample", "ledger", "--size", "3", "--purpose", PURPOSE, "-o", "first.csv"]) == 0
    assert run(["sample", "ledger", "--form", "1", "-o", "again.csv"]) == 0
    assert (world / "again.csv").read_bytes() == (world / "first.csv").read_bytes()
    capfd.readouterr()
    assert run(["sample", "ledger", "--form", "1"]) == 0
    assert capfd.readouterr().out.splitlines() == (world / "first.csv").read_text().splitlines()
    assert ledger.size(world / "ledger") == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--form", "1", "--size", "3"], "--form ENTRY takes LEDGER and -o"),
        (["--form", "1", "--source", "nc"], "--form ENTRY takes LEDGER and -o"),
        (["--form", "0"], "no draw"),
        (["--form", "9"], "has no entry 9"),
        (["--size", "3"], "give --size and --purpose"),
        (["--size", "3", "--purpose", " "], "the purpose is empty"),
    ],
)
def test_what_sample_does_not_mix(world, capfd, options, said):
    assert run(["sample", str(world / "ledger"), *options]) == 2
    assert said in capfd.readouterr().err
    assert ledger.size(world / "ledger") == 1
