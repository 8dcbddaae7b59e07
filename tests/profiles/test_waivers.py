import json
import re
from datetime import UTC, datetime, timedelta

import pytest
import yaml

import provenance as pv
from provenance.cli import run
from provenance.cli.output import check_writable
from provenance.core.digests import fingerprint, sha256
from provenance.errors import ConfigError
from provenance.profiles import waivers
from provenance.reports import json as report
from provenance.reports import sarif, text

pytestmark = pytest.mark.usefixtures("in_process")

FAR = "2999-12-31"
MISSING = fingerprint("licence-missing", "bare")
WHO = {"reason": "on file", "approver": "A. Reviewer", "expires": FAR}


def write(path, *entries):
    path.write_text(yaml.safe_dump({"waivers": list(entries)}))
    return path


@pytest.fixture
def data(tmp_path):
    """Two sources with one error each: one states no licence, one forbids commerce."""
    root = tmp_path / "data"
    for name, card in (("bare", "---\npretty_name: Bare\n---\n"), ("nc", "---\nlicense: cc-by-nc-4.0\n---\n")):
        (root / name).mkdir(parents=True)
        (root / name / "README.md").write_text(f"{card}Written by us for this test.\n")
        (root / name / "x.jsonl").write_text(f'{{"text": "some text of one record of {name}"}}\n')
    return root


def scan(data, *entries):
    return pv.scan(data, waivers=write(data.parent / "w.yaml", *entries), workers=1)


def waived(audit):
    return {row["check"]: row["waived"] for row in audit.tables["findings"].to_pylist()}


# entry, the check that it waives, its state
CASES = {
    "by fingerprint": ({"fingerprint": MISSING}, "licence-missing", "holds"),
    "by check and source": ({"check": "licence-forbids-purpose", "source": "nc"}, "licence-forbids-purpose", "holds"),
    "of another source": ({"check": "licence-missing", "source": "nc"}, None, "matches nothing"),
    "of a pair that is none": ({"check": "licence-missing", "source": "bare", "other": "nc"}, None, "matches nothing"),
    "of an unknown fingerprint": ({"fingerprint": "0" * 32}, None, "matches nothing"),
    "on its last day": ({"fingerprint": MISSING, "expires": datetime.now(UTC).date().isoformat()}, "licence-missing", "holds"),
    "a day too late": ({"fingerprint": MISSING, "expires": (datetime.now(UTC).date() - timedelta(1)).isoformat()}, None, "expired"),
}  # fmt: skip


@pytest.mark.parametrize(("entry", "check", "state"), CASES.values(), ids=CASES)
def test_what_a_waiver_covers(data, entry, check, state):
    audit = scan(data, WHO | entry)
    assert {name for name, said in waived(audit).items() if said} == ({check} if check else set())
    (told,) = audit.facts["waivers"]
    assert told["state"] == state
    assert bool(told["findings"]) == (state != "matches nothing")
    assert audit.facts["counts"]["waived"] == (check is not None)
    reason = audit.tables["coverage"].to_pylist()[0]["reason"]
    assert {"holds": "1 waiver held", "expired": "does not hold", "matches nothing": "matches no finding"}[
        state
    ] in reason


def test_a_pair_is_named_whole():
    finding = {"fingerprint": "f", "check": "c", "source": "a", "other": "b"}
    assert waivers.Waiver(**WHO, check="c", source="a", other="b").covers(finding)
    assert not waivers.Waiver(**WHO, check="c", source="a").covers(finding)  # nor any pair that comes later


def test_a_waiver_changes_the_exit_code_and_no_verdict(data, tmp_path, capfd):
    ledger = str(tmp_path / "ledger")
    both = write(
        tmp_path / "w.yaml", WHO | {"fingerprint": MISSING}, WHO | {"check": "licence-forbids-purpose", "source": "nc"}
    )
    one = write(tmp_path / "one.yaml", WHO | {"fingerprint": MISSING})
    assert run(["scan", str(data), "--ledger", ledger]) == 1
    plain = pv.open_ledger(ledger)
    assert run(["scan", str(data), "--ledger", ledger, "--waivers", str(one)]) == 1
    assert run(["scan", str(data), "--ledger", ledger, "--waivers", str(both)]) == 0
    found = pv.open_ledger(ledger)
    assert found.tables["verdicts"].equals(plain.tables["verdicts"])
    assert found.tables["findings"].drop_columns(["waived"]).equals(plain.tables["findings"].drop_columns(["waived"]))
    kept = tmp_path / "ledger" / "scans" / "00000002" / "waivers.yaml"
    assert kept.read_bytes() == both.read_bytes()
    assert found.facts["waiversFile"]["digest"]["sha256"] == sha256(both.read_bytes())
    assert run(["verify", ledger]) == 0
    kept.write_bytes(one.read_bytes())
    assert run(["verify", ledger]) == 1
    capfd.readouterr()


def test_every_report_says_what_is_waived(data):
    audit = scan(data, WHO | {"fingerprint": MISSING})
    said = audit.findings["waived"].dropna().item()
    assert re.fullmatch(  # the name: in the file
        rf"waived by person:approver:[0-9a-f]{{16}} until {FAR}: on file "
        r"\(in a file, signed by nobody but the operator\)",
        said,
    )
    assert said in " ".join(text.render(audit.tables, audit.facts).decode().split())
    assert "2 errors, 1 of them waived" in text.render(audit.tables, audit.facts).decode()
    assert [each["waived"] for each in json.loads(report.render(audit.tables, audit.facts))["findings"]] == [said, None]
    (run_,) = json.loads(sarif.render(audit.tables, audit.facts))["runs"]
    accepted = {"kind": "external", "status": "accepted", "justification": said}
    assert [each["suppressions"] for each in run_["results"]] == [[accepted], []]


def test_explain_shows_the_waiver(data, tmp_path, capfd):
    given = write(tmp_path / "w.yaml", WHO | {"fingerprint": MISSING})
    pv.scan(data, tmp_path / "ledger", waivers=given, workers=1)
    assert run(["explain", MISSING, "--ledger", str(tmp_path / "ledger")]) == 0
    assert re.search(rf"waived by person:approver:[0-9a-f]{{16}} until {FAR}", capfd.readouterr().out)


@pytest.mark.parametrize("place", ["w.yaml", "nc/w.yaml"])
def test_waivers_never_live_in_the_data(data, tmp_path, capfd, place):
    inside = write(data / place, WHO | {"fingerprint": MISSING})
    (tmp_path / "link.yaml").symlink_to(inside)
    for path in (inside, tmp_path / "link.yaml"):
        assert run(["scan", str(data), "--ledger", str(tmp_path / "ledger"), "--waivers", str(path)]) == 2
        assert "waivers never live in the data" in capfd.readouterr().err
    assert not (tmp_path / "ledger").exists()


# what is written, part of the sentence
BAD = {
    "nothing": ("", "at /"),
    "no YAML": ("waivers: [", "is not YAML"),
    "no waiver": ("waivers: []", "line 1"),
    "another key": ("waive: []", "at /"),
    "a typing error": ("waivers:\n- {fingerprint: '" + "0" * 32 + "', reason: r, aprover: a, expires: 2030-01-01}", "line 2: "),
    "no reason": ("waivers:\n- {fingerprint: '" + "0" * 32 + "', approver: a, expires: 2030-01-01}", "'reason' is a required property"),
    "for ever": ("waivers:\n- {fingerprint: '" + "0" * 32 + "', reason: r, approver: a}", "'expires' is a required property"),
    "no such day": ("waivers:\n- {fingerprint: '" + "0" * 32 + "', reason: r, approver: a, expires: 2030-02-30}", "line 2: there is no day 2030-02-30"),
    "a day of words": ("waivers:\n- {fingerprint: '" + "0" * 32 + "', reason: r, approver: a, expires: never}", "the last day on which it holds"),
    "half a fingerprint": ("waivers:\n- {fingerprint: 00ff, reason: r, approver: a, expires: 2030-01-01}", "32 hexadecimal digits"),
    "no name": ("waivers:\n- {reason: r, approver: a, expires: 2030-01-01}", "by its fingerprint, or by check and source"),
    "two names": ("waivers:\n- {fingerprint: '" + "0" * 32 + "', check: licence-missing, reason: r, approver: a, expires: 2030-01-01}", "by its fingerprint, or by check"),
    "no source": ("waivers:\n- {check: licence-missing, reason: r, approver: a, expires: 2030-01-01}", "by check and source"),
    "no such check": ("waivers:\n- {check: nothing, source: s, reason: r, approver: a, expires: 2030-01-01}", "line 2: there is no check 'nothing'"),
    "a key twice": ("waivers:\n- {check: licence-missing, check: licence-missing}", "stands twice"),
    "no text": ("\0", "is not a text"),
}  # fmt: skip


@pytest.mark.parametrize(("source", "sentence"), BAD.values(), ids=BAD)
def test_what_breaks_the_schema_gets_one_sentence(source, sentence):
    with pytest.raises(ConfigError, match=re.escape(sentence)) as caught:
        waivers.parse("w.yaml", source.encode())
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_too_large(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        waivers.load(tmp_path / "w.yaml", tmp_path / "data")
    (tmp_path / "w.yaml").write_bytes(b"#" * (waivers.LARGEST + 1))
    with pytest.raises(ConfigError, match="larger than"):
        waivers.load(tmp_path / "w.yaml", tmp_path / "data")


def test_the_example_of_the_documentation_holds(request):
    shown = re.search(
        r"<!-- example: waivers -->\n```yaml\n(.*?)```",
        (request.config.rootpath / "docs/act-on-findings.md").read_text(),
        re.DOTALL,
    )
    assert len(waivers.parse("act-on-findings.md", shown[1].encode())) == 2


def test_a_link_that_leads_to_itself_is_one_sentence(tmp_path, capsys):
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "data").mkdir()
    assert run(["scan", str(tmp_path / "data"), "--waivers", str(tmp_path / "loop.yaml")]) == 2
    said = capsys.readouterr().err
    assert "cannot be read: Too many levels of symbolic links" in said
    assert said.count("\n") == 1


def test_no_output_is_written_to_a_link_that_leads_to_itself(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ConfigError, match="is a link that leads to itself; name another file"):
        check_writable(tmp_path / "loop")
