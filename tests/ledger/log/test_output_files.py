"""What an act made: listed file by file, and read back only where the list is the one that was signed."""

import json
import os

import pytest

from provenance.core.digests import sha256
from provenance.errors import ConfigError, InputError, VerificationError
from provenance.ledger import layout
from provenance.ledger.log import output_files
from provenance.ledger.trees import merkle


@pytest.fixture
def made(tmp_path):
    folder = tmp_path / "made"
    (folder / "b").mkdir(parents=True)
    (folder / "b" / "x.jsonl").write_bytes(b"[]\n")
    (folder / "a ü.jsonl").write_bytes(b"{}\n")
    return folder


@pytest.fixture
def kept(made, tmp_path):
    """A ledger's folder with the list as an object of it, and what the entry says of the list."""
    outputs, lines = output_files.digest_folder(made, threads=1)
    return store(tmp_path / "ledger", outputs, lines)


def store(ledger, outputs, lines):
    path = ledger / outputs["lines"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lines)
    return ledger, outputs


def signed(ledger, rows):
    """A list of these rows with the root that they have, as somebody would sign it who holds the keys."""
    lines = [row if isinstance(row, bytes) else json.dumps(row, separators=(",", ":")).encode() for row in rows]
    root = merkle.hash_root([merkle.hash_leaf(line) for line in lines]).hex()
    tree = {"alg": "rfc9162-sha256", "size": len(lines), "root": root}
    return store(
        ledger, {"files": len(lines), "lines": "objects/list", "tree": tree}, b"".join(line + b"\n" for line in lines)
    )


def test_every_file_is_listed_with_its_bytes_and_digest(made, kept):
    ledger, outputs = kept
    assert (outputs["files"], outputs["bytes"], outputs["tree"]["size"]) == (2, 6, 2)
    assert output_files.read_output(ledger, outputs) == [
        {"bytes": 3, "path": "a ü.jsonl", "sha256": sha256(b"{}\n")},
        {"bytes": 3, "path": "b/x.jsonl", "sha256": sha256(b"[]\n")},
    ]
    assert output_files.digest_folder(made, threads=8)[0] == outputs


def test_a_withheld_list_is_said(kept):
    ledger, outputs = kept
    (ledger / outputs["lines"]).unlink()
    with pytest.raises(InputError, match="is withheld"):
        output_files.read_output(ledger, outputs)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b'"bytes":3', b'"bytes":4', 1),
        lambda data: data[: data.index(b"\n") + 1],
        lambda data: data + data,
        lambda data: b"\n".join(data.splitlines()[::-1]) + b"\n",
        lambda _: b"",
    ],
    ids=["changed", "shorter", "longer", "another order", "empty"],
)
def test_a_list_that_is_not_the_signed_one_is_refused(kept, change):
    ledger, outputs = kept
    path = ledger / outputs["lines"]
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(VerificationError, match="root"):
        output_files.read_output(ledger, outputs)


@pytest.mark.parametrize(
    "rows",
    [
        [{"path": "a", "sha256": "0" * 64}, {"path": "a", "sha256": "1" * 64}],
        [{"path": "b", "sha256": "0" * 64}, {"path": "a", "sha256": "0" * 64}],
        [{"path": "a"}],
        [{"path": 1, "sha256": "0" * 64}],
        [["a"]],
    ],
    ids=["a path twice", "no order", "no digest", "a path that is none", "no row"],
)
def test_a_signed_list_in_which_no_file_can_be_told_is_refused(tmp_path, rows):
    with pytest.raises(VerificationError, match="the list of what it made"):
        output_files.read_output(*signed(tmp_path / "ledger", rows))


def test_a_folder_that_says_nothing_is_a_wrong_call(tmp_path):
    (tmp_path / "empty").mkdir()
    for name, words in (("empty", "holds no file"), ("missing", "is no folder")):
        with pytest.raises(ConfigError, match=words):
            output_files.digest_folder(tmp_path / name)


@pytest.mark.parametrize("kind", ["link to a file", "link to a folder", "pipe"])
def test_what_may_change_later_is_refused(made, tmp_path, kind):
    if kind == "pipe":
        os.mkfifo(made / "odd")
    else:
        (made / "odd").symlink_to(tmp_path if "folder" in kind else made / "a ü.jsonl")
    with pytest.raises(InputError, match="no regular file"):
        output_files.digest_folder(made)


def test_what_may_not_be_read_is_no_empty_folder(made, close):
    close(made / "b")
    with pytest.raises(InputError, match="cannot be read"):
        output_files.digest_folder(made)


def test_a_ledger_in_the_folder_is_left_out(world, made):
    (world / "ledger").rename(made / "ledger")
    assert layout.is_ledger(made / "ledger")
    assert output_files.digest_folder(made)[0]["files"] == 2
