"""Scan the real data, and print what is true of what is found.

    python tools/judge_realdata.py            recall by truth file, expected findings, what changed since the judgements
    python tools/judge_realdata.py --new      only the errors and warnings that nobody has judged, with their messages
    python tools/judge_realdata.py --refresh  writes the rows of what is new, unjudged, and removes what is gone

The real data is where PROVENANCE_REALDATA says, else beside the checkout (tests/conftest.py); without it nothing is done.
`--ledger DIR` reads the newest scan of a ledger instead of scanning. `tests/judgements/realdata.csv` holds the fingerprint of
every error and warning, whether it is true, misleading or false, why, and by whom it was read; it holds no text of the data.
Exit code 1: something is unjudged, false, lost or no longer held.

Recall is of records: of those of either side that the truth pairs with one of the other at Jaccard >= 0.8, the share that
has an exact or near match there in MATCHES. Truth numbers records over files put together by name.
"""

import argparse
import csv
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

import provenance as pv

ROOT = Path(__file__).parents[1]
JUDGEMENTS = ROOT / "tests" / "judgements" / "realdata.csv"
COLUMNS = ("fingerprint", "severity", "check", "source", "other", "field", "judgement", "why", "read_by")
WORDS = ("true", "misleading", "false")

ALPACA = "instruct/stanford_alpaca"
HIKARIMING = "instruct/hikariming_chat_dataset_baseline"
CLEANED = "instruct/alpaca_data_cleaned"
EXTENSIONS = f"{CLEANED}/dataset_extensions"
TEACHER = "instruct/gpteacher"
LLAMA = "instruct/llama_factory_demo"
GSM8K = "benchmarks/gsm8k/grade_school_math/data"
DEMO = f"{LLAMA}/data/alpaca_en_demo.json"
ALPACA_DATA = f"{ALPACA}/alpaca_data.json"
NEW_CODE = "instruct/codealpaca/data/new_codealpaca.json"
CODEGEN = f"{TEACHER}/Codegen/codegen-instruct.json"
TRANSLATED = f"{HIKARIMING}/history/翻译后的中文数据/"
UNPARSABLE = "alpaca_data-9407-12345-中文"

TRUTH = {  # file of truth: files of a, files of b by how their paths begin, view
    "dev01_lf_en_demo__alpaca__full": (DEMO, ALPACA_DATA, "whole"),
    "dev01_lf_en_demo__alpaca__prompt": (DEMO, ALPACA_DATA, "prompt"),
    "dev02_hikariming_zh__carbonz0_zh__full": (TRANSLATED, "instruct/carbonz0_alpaca_chinese/", "whole"),
    "dev03_hikariming_zh__alpaca_en__full": (TRANSLATED, ALPACA_DATA, "whole"),
    "dev04_new_codealpaca__gpteacher_codegen__full": (NEW_CODE, CODEGEN, "whole"),
    "dev05_gpteacher_roleplay__adc_roleplay__full": (
        f"{TEACHER}/Roleplay/roleplay-simple-deduped-roleplay-instruct.json",
        f"{EXTENSIONS}/GPTeacher/Roleplay/roleplay-similarity_0.6-instruct-dataset.json",
        "whole",
    ),
    "dev06_gpteacher_toolformer__adc_toolformer__full": (
        f"{TEACHER}/Toolformer/toolformer-dedupe-only-dataset.json",
        f"{EXTENSIONS}/GPTeacher/Toolformer/toolformer-dedupe-only-dataset.json",
        "whole",
    ),
    "dev07_adc_gsm8k__gsm8k_train__question": (
        f"{EXTENSIONS}/gsm_8k/gsm_8k_train.json",
        f"{GSM8K}/train.jsonl",
        "prompt",
    ),
    "dev08_gsm8k_test__gsm8k_train__question": (f"{GSM8K}/test.jsonl", f"{GSM8K}/train.jsonl", "prompt"),
    "dev09_code_alpaca_2k__alpaca__full": ("instruct/codealpaca/data/code_alpaca_2k.json", ALPACA_DATA, "whole"),
    "dev10_nltk_dependency_treebank__nltk_treebank__sentence": (
        "text/nltk/dependency_treebank.zip!/",
        "text/nltk/treebank.zip!/treebank/combined/",
        "whole",
    ),
    "dev11_nltk_conll2000__nltk_treebank__sentence": (
        "text/nltk/conll2000.zip!/",
        "text/nltk/treebank.zip!/treebank/combined/",
        "whole",
    ),
}
SIZES = {  # records of both sides, as the truth has them; where the scan has others, a record is something else
    "dev10_nltk_dependency_treebank__nltk_treebank__sentence": (3914, 3914),
    "dev11_nltk_conll2000__nltk_treebank__sentence": (10948, 3914),
}


def find_realdata():
    """Return the unpacked folder, None where there is none."""
    folder = Path(os.environ.get("PROVENANCE_REALDATA", ROOT.parent / "shared" / "realdata"))
    if (folder / "data").is_dir():
        return folder
    if not (folder / "unpack").is_file():
        return None
    done = subprocess.run([folder / "unpack"], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())


def scan(folder, ledger=None):
    """Return the tables of a scan of the real data, by name, or of the newest one of a ledger."""
    return pv.open_ledger(ledger).tables if ledger else pv.scan(folder / "data").tables


def number_records(tables, prefix):
    """Return where the records of each file begin among those of all files of one side, by path."""
    files = tables["files"]
    chosen = files.filter(pc.and_(pc.starts_with(files["path"], prefix), pc.equal(files["role"], "data")))
    rows = sorted(zip(*(chosen[name].to_pylist() for name in ("path", "records")), strict=True))
    first, total = {}, 0
    for path, records in rows:
        if UNPARSABLE not in path:
            first[path], total = total, total + records
    return first, total


def find_matched(tables, one, other, view):
    """Return the numbers of the records of one side that have an exact or near match on the other."""
    matches = tables["matches"]
    chosen = matches.filter(
        pc.and_(
            pc.and_(pc.equal(matches["view"], view), pc.is_in(matches["method"], pa.array(["exact", "near"]))),
            pc.and_(
                pc.is_in(matches["path_a"], pa.array(list(one))), pc.is_in(matches["path_b"], pa.array(list(other)))
            ),
        )
    )
    rows = zip(chosen["path_a"].to_pylist(), chosen["row_a"].to_pylist(), strict=True)
    return {one[path] + row for path, row in rows}


def read_truth(folder, name):
    """Return the numbers of records that the truth pairs at Jaccard >= 0.8, of both sides."""
    with gzip.open(folder / "truth" / f"{name}.jsonl.gz", "rt") as lines:
        pairs = [pair for pair in map(json.loads, lines) if pair["j"] >= 0.8]
    return {pair["a"] for pair in pairs}, {pair["b"] for pair in pairs}


def measure_recall(folder, tables):
    """Yield for each file of truth its name, and for both sides how many records it pairs, how many of them were found,
    and how many records were found in all; or why it cannot be compared."""
    for name, (a, b, view) in TRUTH.items():
        (first_a, total_a), (first_b, total_b) = number_records(tables, a), number_records(tables, b)
        if name in SIZES and SIZES[name] != (total_a, total_b):
            yield (
                name,
                None,
                f"{total_a:,} and {total_b:,} records, and the truth's are {SIZES[name][0]:,} and {SIZES[name][1]:,}",
            )
            continue
        sides = []
        for wanted, one, other in zip(read_truth(folder, name), (first_a, first_b), (first_b, first_a), strict=True):
            found = find_matched(tables, one, other, view)
            sides.append((len(wanted), len(wanted & found), len(found)))
        yield name, sides, None


class Found:
    """The tables of a scan, asked for what a good auditor must say."""

    def __init__(self, tables):
        self.findings = tables["findings"].to_pylist()
        self.sources = {row["source"]: row for row in tables["sources"].to_pylist()}
        self.files = {row["path"]: row for row in tables["files"].to_pylist()}
        self.claims = tables["claims"].to_pylist()
        self.overlaps = [row for row in tables["overlaps"].to_pylist() if row["path_a"] is not None]
        self.coverage = {row["check"]: row for row in tables["coverage"].to_pylist()}

    def of(self, check, source=None, other=None):
        """Return the findings of a check, of a source and of another."""
        return [
            row
            for row in self.findings
            if row["check"] == check and source in {None, row["source"]} and other in {None, row["other"]}
        ]

    def overlap(self, a, b, view="whole"):
        """Return (records of a, exact, near) of the files whose paths begin so, added up."""
        rows = [
            row
            for row in self.overlaps
            if row["view"] == row.get("view_b", view) == view
            and row["path_a"].startswith(a)
            and row["path_b"].startswith(b)
            and UNPARSABLE not in row["path_a"]
        ]
        return tuple(sum(row[name] for row in rows) for name in ("records_a", "exact", "near"))

    def pairs(self, *checks):
        """Return the pairs of sources that some checks speak of, of any severity."""
        return {frozenset((row["source"], row["other"])) for row in self.findings if row["check"] in checks}

    def is_one_group(self, *parts):
        """Tell whether one finding says that files are the same."""
        return any(all(part in row["message"] for part in parts) for row in self.of("identical-files"))


BY_CONTENT = ("licence-conflict-by-content", "twin-unlicensed", "lineage-undeclared", "prompt-copied")

EXPECTED = {
    "D01": (
        "the data licence of Stanford Alpaca is CC BY-NC, and its statements conflict",
        lambda found: (
            found.sources[ALPACA]["licence_concluded"] == "CC-BY-NC-4.0"
            and bool(found.of("licence-conflict-between-witnesses", ALPACA))
        ),
    ),
    "D02": (
        "52,002 records of a copy under MIT, a conflict with Stanford Alpaca",
        lambda found: (
            found.overlap(f"{HIKARIMING}/history/原始英文数据/", ALPACA_DATA)[1] == 52_002
            and bool(found.of("licence-conflict-by-content", HIKARIMING, ALPACA))
        ),
    ),
    "D03": (
        "two thirds of a translation stand in another, and nothing is said to be the original",
        lambda found: abs(found.overlap(TRANSLATED, "instruct/carbonz0")[1] - 12_063) <= 32,
    ),
    "D04": (
        "3,400 records were never translated",
        lambda found: found.overlap(TRANSLATED, ALPACA_DATA)[1] == 3_400,
    ),
    "D05": (
        "999 of 999 prompts of an Apache-2.0 demo are Stanford Alpaca's",
        lambda found: (
            found.overlap(DEMO, ALPACA_DATA, "prompt")[1] == 999
            and frozenset((f"{LLAMA}/data/alpaca_en_demo", ALPACA)) in found.pairs(*BY_CONTENT)
        ),
    ),
    "D06": (
        "4,535 of 4,535 records, and conflicting licences",
        lambda found: (
            found.overlap(NEW_CODE, CODEGEN)[:2] == (4_535, 4_535)
            and frozenset(("instruct/codealpaca", TEACHER)) in found.pairs("licence-conflict-by-content")
        ),
    ),
    "D07": (
        "a declared copy under its own MIT licence is no conflict",
        lambda found: (
            found.files[f"{EXTENSIONS}/GPTeacher/Toolformer/toolformer-dedupe-only-dataset.json"]["licence"] == "MIT"
            and frozenset((CLEANED, TEACHER)) not in found.pairs(*BY_CONTENT)
        ),
    ),
    "D08": (
        "five identical files",
        lambda found: found.is_one_group("roleplay-similarity_0.6", "roleplay-simple-deduped"),
    ),
    "D09": (
        "the copy of GSM8K's training part is found, its licence is not known, and it is no contamination",
        lambda found: (
            found.overlap(f"{EXTENSIONS}/gsm_8k/", f"{GSM8K}/train.jsonl", "prompt")[1] == 7_473
            and bool(found.of("licence-unrecognised", CLEANED))
            and not found.of("benchmark-contamination", CLEANED)
            and not {"benchmarks/gsm8k"} & {row["source"] for row in found.of("licence-conflict-by-content")}
        ),
    ),
    "D10": (
        "GSM8K's test and training parts share nothing",
        lambda found: (
            found.overlap(f"{GSM8K}/test.jsonl", f"{GSM8K}/train.jsonl", "prompt")[1:] in {(0, 0), ()}
            and not found.of("split-leak", "benchmarks/gsm8k")
        ),
    ),
    "D11": (
        "Code Alpaca's 2,000 and Stanford Alpaca share nothing",
        lambda found: found.overlap("instruct/codealpaca/data/code_alpaca_2k.json", ALPACA_DATA)[1:] == (0, 0),
    ),
    "D12": (
        "both treebanks are non-commercial by their own words; their sentences are not compared yet (formats)",
        lambda found: all(
            found.of("licence-forbids-purpose", f"text/nltk/{name}") for name in ("treebank", "dependency_treebank")
        ),
    ),
    "D13": (
        "sentences that anybody says accuse nobody",
        lambda found: (
            frozenset(("text/nltk/conll2000", "text/nltk/treebank")) not in found.pairs(*BY_CONTENT, "split-leak")
        ),
    ),
    "D14": (
        "a play in two editions is no licence finding",
        lambda found: (
            not any(
                {row["source"], row["other"]} == {"text/nltk/shakespeare", "text/tinyshakespeare"}
                for row in found.of("licence-conflict-by-content")
            )
        ),
    ),
    "D15": (
        "three copies of one seed file",
        lambda found: found.is_one_group(
            f"{ALPACA}/seed_tasks.jsonl", f"{TEACHER}/seedprompts.jsonl", f"{CLEANED}/seed_tasks.jsonl"
        ),
    ),
    "D16": (
        "a benchmark's questions copied whole",
        lambda found: found.is_one_group("vicuna_question_80.jsonl", "gpt_eval/config/question.jsonl"),
    ),
    "D17": (
        "hits of benchmarks by chance are no red flag",
        lambda found: {row["severity"] for row in found.of("benchmark-contamination")} <= {"note"},
    ),
    "D18": (
        "five files are their upstream's, by digest",
        lambda found: (
            {
                f"{GSM8K}/train.jsonl",
                f"{GSM8K}/test.jsonl",
                "benchmarks/human_eval/data/HumanEval.jsonl.gz",
                "benchmarks/mbpp/mbpp.jsonl",
            }
            <= {row["scope"] for row in found.claims if row["field"] == "identical-upstream"}
        ),
    ),
    "D19": (
        "broken input is reported and not fatal",
        lambda found: (
            bool(found.of("file-unreadable", HIKARIMING))
            and {row["status"] for row in found.coverage.values()} <= {"ran", "skipped"}
        ),
    ),
    "D20": (
        "no licence is no licence",
        lambda found: all(
            found.of("licence-missing", source)
            for source in (
                "instruct/carbonz0_alpaca_chinese",
                *(f"text/nltk/{name}" for name in ("abc", "conll2000", "webtext")),
            )
        ),
    ),
    "D21": ("not in this scan: robots files of hosts stand outside data/ (tests/realdata)", None),
    "D23": ("not in this scan: its files stand outside data/", None),
}


def list_grave(tables):
    """Return the errors and warnings by fingerprint."""
    return {
        row["fingerprint"]: row for row in tables["findings"].to_pylist() if row["severity"] in {"error", "warning"}
    }


def read_judgements():
    """Return the committed rows by fingerprint."""
    if not JUDGEMENTS.exists():
        return {}
    with JUDGEMENTS.open(encoding="utf-8", newline="") as file:
        return {row["fingerprint"]: row for row in csv.DictReader(file)}


def write_judgements(rows):
    """Write rows, sorted."""
    with JUDGEMENTS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            sorted(rows, key=lambda row: [row[name] or "" for name in ("check", "source", "other", "field")])
        )


def find_unjudged(grave, judged):
    """Return the fingerprints that nobody has judged."""
    return [mark for mark in grave if judged.get(mark, {}).get("judgement") not in WORDS]


def print_recall(folder, tables):
    """Print recall by file of truth; return whether nothing that can be compared is lost."""
    whole = True
    print("recall by file of truth (records of a, records of b): found of those that the truth pairs; found in all")
    for name, sides, reason in measure_recall(folder, tables):
        if sides is None:
            print(f"  {name}: not compared: {reason}")
            continue
        shown = [
            f"{found:,} of {wanted:,} ({found / wanted if wanted else 1:.4f}); {every:,}"
            for wanted, found, every in sides
        ]
        whole &= all(found >= 0.99 * wanted for wanted, found, _ in sides)
        print(f"  {name}: {' | '.join(shown)}")
    return whole


def print_expected(tables):
    """Print which expected findings hold; return whether all do."""
    found, held = Found(tables), True
    print("expected findings")
    for name, (sentence, test) in EXPECTED.items():
        word = "-" if test is None else "held" if test(found) else "NOT HELD"
        held &= word != "NOT HELD"
        print(f"  {name} {word}: {sentence}")
    return held


def print_changes(tables, judged):
    """Print what changed since the judgements; return whether nothing is unjudged or false."""
    grave = list_grave(tables)
    unjudged, gone = find_unjudged(grave, judged), [mark for mark in judged if mark not in grave]
    changed = [mark for mark in grave if mark in judged and judged[mark]["severity"] != grave[mark]["severity"]]
    words = [judged[mark]["judgement"] for mark in grave if mark in judged]
    print(
        f"{len(grave)} errors and warnings: {', '.join(f'{words.count(word)} {word}' for word in WORDS)}, {len(unjudged)} unjudged"
    )
    for mark in unjudged:
        print(f"  new {describe(grave[mark])}")
    for mark in changed:
        print(f"  was {judged[mark]['severity']}: {describe(grave[mark])}")
    for mark in gone:
        print(
            f"  gone {mark[:8]} {judged[mark]['check']} {judged[mark]['source']} {judged[mark]['other']} {judged[mark]['field']}"
        )
    return not unjudged and "false" not in words


def describe(row):
    """Return a finding as a line to be judged."""
    pair = f"{row['source']} ~ {row['other']}" if row["other"] else row["source"]
    field = f" [{row['field']}]" if row["field"] else ""
    return f"{row['fingerprint'][:8]} {row['severity']} {row['check']} {pair}{field}\n      {row['message']}"


def refresh(tables, judged):
    """Write the rows of today's errors and warnings; what was judged stays so."""
    kept = ("judgement", "why", "read_by")
    rows = []
    for mark, row in list_grave(tables).items():
        old = judged.get(mark, dict.fromkeys(kept, ""))
        rows.append(
            {name: row[name] or "" for name in COLUMNS if name not in kept} | {name: old[name] for name in kept}
        )
    write_judgements(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ledger", help="reads the newest scan of it instead of scanning")
    parser.add_argument("--new", action="store_true", help="lists only what is unjudged")
    parser.add_argument("--refresh", action="store_true", help="writes rows of what is new, removes what is gone")
    asked = parser.parse_args()
    folder = find_realdata()
    if folder is None:
        print("there is no real data here (PROVENANCE_REALDATA)")
        return 0
    tables, judged = scan(folder, asked.ledger), read_judgements()
    if asked.refresh:
        refresh(tables, judged)
        judged = read_judgements()
    if asked.new or asked.refresh:
        return int(not print_changes(tables, judged))
    results = [print_recall(folder, tables), print_expected(tables), print_changes(tables, judged)]
    return int(not all(results))


if __name__ == "__main__":
    sys.exit(main())
