"""A third party's verifier of scans, written from SPECIFICATION.md alone: Python's standard library, and pyarrow to read.

    python tables.py LEDGER

It takes it that signatures were checked as VERIFY.md has it, and looks at what those do not show: that entries follow one
another under the newest checkpoint, bind what they must, are of a version that may stand there, and that rows, lines and
trees say the same. It prints what is wrong (exit 1), or what it could not check.
"""

import base64
import hashlib
import json
import math
import re
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

TYPE = b"application/vnd.in-toto+json"
LINED = {"coverage", "files", "findings", "sources", "verdicts"}
TABLES = LINED | {"claims", "matches", "observations", "overlaps", "references", "sketches"}
OLD = TABLES - {"observations", "references", "sketches"}
COLUMNS = {  # of section 10
    "coverage": ("check status reason? records_seen# records_unreadable#"),
    "files": (
        "path source? role format? bytes# bytes_consumed# bytes_skipped# skip_reason? records# "
        "records_unreadable# records_distinct# tokens# sha256? sha256_claimed? licence? licence_from? "
        "records_root?"
    ),
    "findings": (
        "fingerprint check severity source other? path? row#? value%? unit? records#? clause? message field? "
        "limits waived?"
    ),
    "sources": (
        "source name? kind? licence_declared? licence_concluded? evidence records# bytes# tokens# acquired? "
        "revision? country? languages[]? modality? parent? manifest? records_text# records_distinct#"
    ),
    "verdicts": (
        "profile requirement element# title modality text clause answered_by observed assessed? assessor? reason "
        "findings# fingerprints[] checks[] asked? asks? asks_zh? about? conditional!? declared? declared_in#? "
        "title_zh? clause_zh? note? note_zh? references[]"
    ),
}
FIRST_VERDICTS = COLUMNS["verdicts"].replace("observed assessed? assessor?", "verdict")
KEYS = {
    "coverage": ["check"],
    "files": ["path"],
    "findings": ["fingerprint"],
    "sources": ["source"],
    "verdicts": ["profile", "requirement", "element"],
}
TYPES = {"#": pa.int64(), "%": pa.float64(), "!": pa.bool_(), "": pa.string()}
SAFE = 2**53 - 1
LARGEST = 1 << 29  # bytes of a table, decoded


class Wrong(Exception):  # noqa: N818 - an answer, not an error
    pass


def need(true, why):
    if not true:
        raise Wrong(why)


def once(pairs):
    need(len({key.lower() for key, _ in pairs}) == len(pairs), "a key stands twice")
    return dict(pairs)


def written(value):  # noqa: PLR0911 - one a type
    """Canonical JSON of a value (RFC 8785)."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{written(key)}:{written(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    if isinstance(value, float):
        need(math.isfinite(value), "a number is not finite")
        if value == int(value) and abs(value) < 1e21:
            return str(int(value))
        mantissa, _, exponent = repr(value).partition("e")
        if not exponent:
            return mantissa
        if -7 < int(exponent) < 0:  # JavaScript writes these out
            return f"{value:.{len(mantissa.replace('.', '').lstrip('-')) - 1 - int(exponent)}f}"
        return f"{mantissa}e{int(exponent):+d}"
    return json.dumps(value, ensure_ascii=False)


def cell(value):
    """A value of a table as its line has it."""
    if isinstance(value, list):
        return [cell(each) for each in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    return value if abs(value) <= SAFE else str(value)


def strict(data):
    value = json.loads(data.decode(), object_pairs_hook=once)
    need(written(value).encode() == data, "it is not in canonical form")
    return value


def leaf(data):
    return hashlib.sha256(b"\0" + data).digest()


def root(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    cut = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root(leaves[:cut]) + root(leaves[cut:])).digest()


def tree(leaves):
    return {"alg": "rfc9162-sha256", "root": root(leaves).hex(), "size": len(leaves)}


class Ledger:
    def __init__(self, folder):
        self.folder, self.unchecked, self.newer = folder, [], False

    def check(self):
        size = max(int(path.stem) for path in self.folder.glob("checkpoints/*.note"))
        leaves = []
        for index in range(size):
            try:
                envelope = strict((self.folder / f"entries/{index:08d}.dsse.json").read_bytes())
                payload = base64.b64decode(envelope["payload"], validate=True)
                value = strict(payload)
                log = value["predicate"]["log"]
                need(log["index"] == index, "it says it stands elsewhere")
                need(log["prev"] == {"rootHash": root(leaves).hex(), "size": index}, "it stands on another history")
                self.entry(value, index)
            except (Wrong, KeyError, TypeError, ValueError, AttributeError, OSError, pa.ArrowException) as cause:
                raise Wrong(f"entry {index}: {cause}") from cause
            leaves.append(leaf(b"DSSEv1 %d %s %d %s" % (len(TYPE), TYPE, len(payload), payload)))
        note = (self.folder / f"checkpoints/{size}.note").read_text().splitlines()
        need(note[1:3] == [str(size), base64.b64encode(root(leaves)).decode()], "the checkpoint is of other entries")

    def entry(self, value, index):
        kind, version = value["predicateType"].split("/")[-2:]
        said = value["predicate"]
        need(version in {"v0", "v1"}, "it is of another version")
        if version == "v0":
            need(kind in {"dataset-scan", "declaration"} and not self.newer, "version 0 after version 1")
            need(said["scanner"]["version"] == "0.1.0", "version 0, by a program that writes version 1")
            days = [said.get(name, "")[:10] for name in ("startedOn", "finishedOn", "date")]
            need(max(days) <= "2026-11-26", "version 0, after nobody wrote it")
        self.newer |= version == "v1"
        bound = {each["path"]: each["sha256"] for each in said["folder"]}
        for path, digest in bound.items():
            if (self.folder / path).exists():
                need(hashlib.sha256((self.folder / path).read_bytes()).hexdigest() == digest, f"{path} is another file")
        if kind == "dataset-scan":
            self.scan(value, index, bound, version)

    def scan(self, value, index, bound, version):
        tables = value["predicate"]["tables"]
        must = TABLES if version == "v1" else OLD
        need(must <= set(tables), f"it binds no {', '.join(sorted(must - set(tables)))}")
        if version == "v0":
            self.unchecked.append(f"entry {index} has no trees and no content set")
        self.unchecked.append(f"reports of entry {index}")
        subject = value["subject"][0]["digest"]["sha256"]
        need(tables["files"]["lines"].rsplit("/", 1)[1] == subject, "its subject is not the lines of files")
        files = None
        for name in sorted(tables, key=lambda name: (name != "files", name)):
            try:
                lines = self.table(name, tables[name], index, bound, version)
                if name == "files":
                    files = lines
                elif name == "sources" and files is not None and lines is not None and version == "v1":
                    self.sources(lines, files)
            except (Wrong, KeyError, TypeError, ValueError, OSError, pa.ArrowException) as cause:
                raise Wrong(f"table {name}: {cause}") from cause

    def table(self, name, said, index, bound, version):
        need(said["parquet"] == f"scans/{index:08d}/{name}.parquet", "it stands elsewhere")
        paths = [said[what] for what in ("parquet", "lines", "nodes") if what in said]
        need(all(path in bound for path in paths), "it is not bound")
        if name not in TABLES:
            self.unchecked.append(f"table {name} of entry {index}, of a later version")
        if name not in LINED:
            return None
        need({"lines"} | ({"nodes", "tree"} if version == "v1" else set()) <= set(said), "it has no lines")
        if not (self.folder / said["lines"]).exists():
            self.unchecked.append(f"table {name} of entry {index}: withheld")
            return None
        data = (self.folder / said["lines"]).read_bytes()
        need(not data or data.endswith(b"\n"), "the last line is open")
        lines = data.split(b"\n")[:-1]
        need(len(lines) == said["rows"], "other rows than lines")
        if version == "v1":
            need(said["tree"] == tree([leaf(line) for line in lines]), "its tree is of other lines")
        parsed = [strict(line) for line in lines]
        keys = [tuple(row[column] for column in KEYS[name]) for row in parsed]
        need(len(set(keys)) == len(keys), "two rows have one key")
        paths = [key[0].encode() for key in keys] if name == "files" else []
        need(paths == sorted(paths), "it is not sorted by path")
        if not (self.folder / said["parquet"]).exists():
            self.unchecked.append(f"table {name} of entry {index}: withheld")
            return list(zip(lines, parsed, strict=True))
        self.compare(self.folder / said["parquet"], name, said["rows"], parsed, version)
        return list(zip(lines, parsed, strict=True))

    def compare(self, path, name, rows, parsed, version):
        """Make each line again from its row, batch by batch; the footer comes first."""
        file = pq.ParquetFile(path)
        need(file.metadata.num_rows == rows, "its footer says other rows")
        need(rows * 4 * file.metadata.num_columns <= LARGEST, "it decodes to more than it may")
        kinds = {field.name: field.type for field in file.schema_arrow}
        need(len(kinds) == file.metadata.num_columns, "a column stands twice")
        columns = COLUMNS[name]
        if name == "verdicts" and "verdict" in kinds and not {"observed", "assessed", "assessor"} & set(kinds):
            columns = FIRST_VERDICTS
        known = dict(re.fullmatch(r"(\w+)(\S*)", each).groups() for each in columns.split())
        need([each for each in kinds if each in known] == [each for each in known if each in kinds], "another order")
        for column, mark in known.items():
            need(column in kinds or "?" in mark, f"it has no column {column}")
            if column in kinds:
                found = (
                    kinds[column].value_type
                    if mark.startswith("[]") and pa.types.is_list(kinds[column])
                    else kinds[column]
                )
                need(found == TYPES[mark.strip("[]?")], f"its column {column} is of another type")
        extra = (["salt"] if version == "v1" else []) + (["tree"] if version == "v1" and name == "sources" else [])
        at = 0
        for batch in file.iter_batches(batch_size=1024):
            batch.validate(full=True)
            for row in batch.to_pylist():
                more = {member: parsed[at][member] for member in extra}
                need(not extra or re.fullmatch("[0-9a-f]{32}", more["salt"]), f"line {at} has no salt")
                made = {column: cell(each) for column, each in row.items()}
                need(not made.keys() & more.keys(), "a column of lines alone")
                need(written(made | more) == written(parsed[at]), f"row {at} is not its line")
                at += 1
        need(at == rows, "it has other rows than its footer says")

    def sources(self, sources, files):
        for _, source in sources:
            own = [leaf(line) for line, file in files if file["source"] == source["source"]]
            need(source["tree"] == tree(own), f"the tree of {source['source']} is of other files")


def main(folder):
    ledger = Ledger(Path(folder))
    try:
        ledger.check()
    except Wrong as wrong:
        print(f"wrong: {wrong}")
        return 1
    print("\n".join(f"not checked: {each}" for each in ledger.unchecked))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
