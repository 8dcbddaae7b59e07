"""Steps of verification that are about a ledger's files: digests, trees, what is withheld or unbound, and the data."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from provenance.core import path_names
from provenance.core.wording import count_noun
from provenance.errors import InputError, VerificationError
from provenance.ledger import layout
from provenance.ledger.format import checkpoint, statement
from provenance.ledger.log import folder_comparison, leaf_hashes, table_trees
from provenance.ledger.log.file_writing import STAGING
from provenance.ledger.log.folder_comparison import FolderChanges
from provenance.ledger.proofs import redaction
from provenance.ledger.tool_files.recognition import ToolFiles
from provenance.ledger.verification.results import DATA_DIFFERS, OK, USAGE, WITHHELD, some

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from provenance.ledger.format.statement import Statement
    from provenance.ledger.verification.state import VerificationState

_DEPTH = 4  # folders deep; what stands deeper is not ours and is named as a whole
_NOTE = re.compile(r"checkpoints/([1-9][0-9]{0,8})\.note")


def check_ledger(state: VerificationState) -> None:
    """Check that the folder can be read and is a whole ledger: without the head of its log it must not pass for none.

    Args:
        state: what is asked and known so far; the step is added to it.
    """
    folder = state.path
    if reason := layout.unreadable(folder):
        raise state.stop("ledger", reason, USAGE)
    if layout.was_ledger(folder):
        _check_head(state)
    if state.request.entry is not None:
        _check_number(state, state.request.entry)
    elif not layout.is_ledger(folder):
        raise state.stop("ledger", f"{folder} is not a ledger", USAGE)


def _check_head(state: VerificationState) -> None:
    folder = state.path
    if not (folder / layout.ORIGIN).is_file():
        raise state.stop("ledger", f"{layout.ORIGIN} is missing")
    if not layout.size(folder) and layout.has_entries(folder):
        if (folder / STAGING).is_dir():  # a first scan was killed, and left what it was doing
            raise state.stop("ledger", f"no scan was ever finished in {folder}; scan again to finish it", USAGE)
        raise state.stop("ledger", f"{layout.note_path(1)} is missing")


def _check_number(state: VerificationState, index: int) -> None:
    state.size = layout.size(state.path) if layout.is_ledger(state.path) else 0
    if not 0 <= index < state.size:
        raise state.stop("ledger", f"{state.path} is not a ledger with an entry {index}", USAGE)


def list_files(state: VerificationState) -> None:
    """List what is in the folder, and refuse what is neither file nor folder.

    Args:
        state: what is asked and known so far; the step is added to it.
    """
    refused = []
    for name, kind in _walk(state.path):
        if kind == "file":
            state.files.add(name)
        elif kind == "folder":
            state.deep_folders.append(f"{name}/")
        elif name != "scans/latest":
            refused.append(name)
    sizes = [int(found[1]) for name in state.files if (found := _NOTE.fullmatch(name))]
    state.size = max(sizes, default=0)
    if refused and not state.size:  # what leads elsewhere hides that there is one
        raise state.stop("folder", f"links and special files are refused: {some(refused)}")
    if not state.size:
        raise state.stop("folder", f"no scan was ever finished in {state.path}", USAGE)
    if layout.entry_path(state.size) in state.files:
        state.skip("log", f"{layout.uncounted(state.size)}; nothing of it was checked")
    if refused:
        state.fail("folder", f"links and special files are refused: {some(refused)}")
    elif not _is_latest_ours(state):
        state.fail("folder", "scans/latest leads to what no checkpoint counts; links that lead elsewhere are refused")
    else:
        state.ok("folder", f"{count_noun(len(state.files), 'file')}, and no link but scans/latest")


def list_entry_files(state: VerificationState) -> None:
    """List the files that one entry needs, and read the newest checkpoint and the leaf hashes that it counts.

    Args:
        state: what is asked and known so far; the step is added to it where it fails.
    """
    cosignatures = (state.path / layout.cosignature_path(state.request.entry or 0, "")).parent
    state.files = {f"keys/{path.name}" for path in regular_files(state.path / "keys", "*")}
    state.files |= {f"entries/{cosignatures.name}/{path.name}" for path in regular_files(cosignatures, "*")}
    try:
        newest = checkpoint.read_checkpoint(state.read(layout.note_path(state.size), checkpoint.MOST_BYTES))
        state.leaves = leaf_hashes.split_hashes(
            state.read(leaf_hashes.PATH, leaf_hashes.most_bytes(state.size)), newest
        )
    except FileNotFoundError as cause:
        raise state.stop("leaves", f"there is no {leaf_hashes.PATH}; leave out --entry to read every entry") from cause
    except VerificationError as cause:
        raise state.stop("checkpoints", f"{layout.note_path(state.size)}: {cause}") from cause
    state.origin, state.checkpoints[state.size] = newest.origin, newest


def regular_files(folder: Path, pattern: str) -> list[Path]:
    """Return the files of a folder, sorted; no links, and nothing that one waits for.

    Args:
        folder: the folder; one that is not there has none.
        pattern: of their names.
    """
    return [path for path in sorted(folder.glob(pattern)) if path.is_file() and not path.is_symlink()]


def _walk(root: Path) -> Iterator[tuple[str, str]]:
    """Name everything below a folder: file | folder (too deep to be ours) | other."""
    todo = [""]
    while todo:
        prefix = todo.pop()
        with os.scandir(root / prefix) as found:
            for item in found:
                name = prefix + item.name
                if item.is_dir(follow_symlinks=False):
                    if name.count("/") >= _DEPTH:
                        yield name, "folder"
                    else:
                        todo.append(f"{name}/")
                else:
                    yield name, "file" if item.is_file(follow_symlinks=False) else "other"


def _is_latest_ours(state: VerificationState) -> bool:
    """Tell whether scans/latest leads to a finished scan: nothing is read through it, but people follow it."""
    latest = state.path / "scans" / "latest"
    if not latest.is_symlink():
        return True
    target = str(latest.readlink())
    return re.fullmatch(r"[0-9]{8}", target) is not None and int(target) < state.size


def check_latest(state: VerificationState) -> None:
    """Check that `scans/latest` leads to the newest scan: nothing is read through it, but people follow it.

    Args:
        state: what is asked and known so far; the step is added to it where it does not.
    """
    latest = state.path / "scans" / "latest"
    newest = max((each.place.index for each in _scans(state)), default=None)
    if newest is None or not latest.is_symlink() or str(latest.readlink()) == f"{newest:08d}":
        return
    detail = f"scans/latest leads to {latest.readlink()}, and scan {newest} is the newest: the next scan sets it right"
    if state.request.strict:
        state.fail("latest", detail)
    else:
        state.skip("latest", detail)


def _scans(state: VerificationState) -> list[Statement]:
    return [each for each in state.statements if each.kind == statement.SCAN]


def check_files(state: VerificationState) -> None:
    """Check that every file that an entry binds has the digest it says; what is missing is withheld.

    Args:
        state: what is asked and known so far; the step is added to it.
    """
    for each in state.statements:
        for name, digest in each.folder.items():
            if state.bound.setdefault(name, digest) != digest:
                raise state.stop("objects", f"two entries bind {name} to different digests")
    for name, digest in state.bound.items():
        if name not in state.files:
            state.withheld.append(name)
        elif folder_comparison.digest_file(state.path / name) != digest:
            state.fail("objects", f"{name} is not what its entry binds")
    if layout.ORIGIN in state.files and state.read(layout.ORIGIN, 1 << 16) != f"{state.origin}\n".encode():
        state.fail("objects", "origin is not the name of this log")
    if state.withheld:
        state.fail("objects", f"withheld: {some(state.withheld)}", WITHHELD)
    elif not state.is_invalid:
        have = "has the digest that its entry binds" if len(state.bound) == 1 else "have the digests that entries bind"
        state.ok("objects", f"{count_noun(len(state.bound), 'file')} {have}")


def check_trees(state: VerificationState) -> None:
    """Check that every tree and content set that a scan states is that of its lines; what is withheld is no fault.

    Args:
        state: what is asked and known so far; the step is added to it.
    """
    if state.is_invalid:
        state.skip("trees", "files are not what entries bind, so nothing is made of them")
        return
    checked, withheld = 0, []
    for scan in _scans(state):
        made = table_trees.check_trees(state.path, scan, state.withheld)
        checked += made.checked
        withheld += [f"{each} (entry {scan.place.index})" for each in made.withheld]
        for fault in made.faults:
            state.fail("trees", f"entry {scan.place.index}: {fault}")
    if withheld:
        state.skip("trees", f"withheld: {some(withheld)}")
    if checked and not state.is_invalid:
        are = "tree or content set is that" if checked == 1 else "trees and content sets are those"
        state.ok("trees", f"{checked:,} {are} of the lines")


def check_redacted(state: VerificationState) -> None:
    """Check that tables that are shown in part still make the roots that were signed.

    Args:
        state: what is asked and known so far; the step is added to it where there are any.
    """
    checked = redaction.check(state.path, state.statements, state.files)
    state.self_signed |= checked.files
    if checked.faults:
        state.fail("redacted", some(checked.faults))
    elif checked.files:
        are = "line that is shown is the one that was"
        if checked.shown != 1:
            are = "lines that are shown are those that were"
        hidden = f"{checked.hidden:,} {'is' if checked.hidden == 1 else 'are'} withheld"
        state.ok("redacted", f"{checked.shown:,} {are} signed, {hidden}")


def check_unbound(state: VerificationState) -> None:
    """Name what no entry vouches for: leftovers of a killed scan, or something slipped in.

    Args:
        state: what is asked and known so far; the step is added to it.
    """
    signed = {layout.entry_path(index) for index in range(state.size)}
    signed |= {layout.note_path(size) for size in range(1, state.size + 1)} | {leaf_hashes.PATH} | state.self_signed
    strangers = state.files - signed - set(state.bound)
    # `check_latest` says where the link leads; what stands there instead of a link was put there by somebody else.
    latest = {"scans/latest"} if os.path.islink(state.path / "scans" / "latest") else set()  # noqa: PTH114 - it never raises
    state.own_files = frozenset((state.files - strangers - {"scans/latest"}) | latest)
    state.unbound = sorted([*strangers, *state.deep_folders])
    if not state.unbound:
        state.ok("unbound", "every file in the folder is bound")
    elif state.request.strict:
        state.fail("unbound", f"no entry binds {some(state.unbound)}")
    else:
        state.skip("unbound", f"no entry binds {some(state.unbound)}: nobody vouches for what is in them")


def check_data(state: VerificationState) -> None:
    """Compare data with the newest scan's table of files.

    Args:
        state: what is asked and known so far; the step is added to it.
    """
    data, scans = state.request.data, _scans(state)
    if data is None:
        state.skip("data", "no data was given (--data): whether it is still what was scanned is unknown")
        return
    name = scans[-1].predicate["tables"].get("files", {}).get("lines") if scans else None
    if name is None or name in state.withheld or state.bound.get(name) is None or state.is_invalid:
        state.skip("data", "the table of files is withheld or does not verify")
        return
    naming = scans[-1].predicate.get("pathNaming", path_names.FIRST_VERSION)
    if naming not in path_names.VERSIONS:
        state.skip("data", f"entry {scans[-1].place.index} names paths by a version that this program does not know")
        return
    try:
        table = folder_comparison.read_scanned(state.path / name, state.bound[name])
        compared = folder_comparison.compare_folder(table, data, state.path, naming=naming, own=state.own_files)
    except InputError as cause:
        state.fail("data", str(cause), _unread_code(state))
    except (ValueError, VerificationError) as cause:
        state.fail("data", f"{name} is not a table of files: {cause}")
    else:
        tools = ToolFiles(data, lambda: _digests(state, name, compared.same))
        _conclude_data(state, data, compared, scans[-1].place.index, tools)


def _digests(state: VerificationState, name: str, same: Iterable[str]) -> set[str]:
    """Return the digests of the files that are as they were scanned; none where the table is not what it was."""
    unchanged = set(same)
    try:
        table = folder_comparison.read_scanned(state.path / name, state.bound[name])
        return {digest for path, digest, _ in table if digest is not None and path in unchanged}
    except (ValueError, VerificationError, OSError):
        return set()


def _conclude_data(
    state: VerificationState, data: Path, compared: folder_comparison.FolderComparison, entry: int, tools: ToolFiles
) -> None:
    """Say how data differs; version control and caches may come and go, and are counted."""
    added = [path for path in compared.changes.added if tools.recognise_tool(path) is None]
    inside = {path for each in compared.left_out for path in each.files if tools.recognise_tool(path) is not None}
    changed = sorted([*compared.changes.changed, *folder_comparison.resized(data, compared, inside)])
    state.changes = FolderChanges(tuple(added), compared.changes.removed, tuple(changed))
    passed = len(compared.changes.added) - len(added)
    rest = "".join(f"; {each}" for each in _uncompared(compared, passed, state.own_files))
    if state.changes:
        others = f"{len(compared.changes.removed)} removed, {len(changed)} changed"
        state.fail("data", f"{count_noun(len(added), 'file')} added, {others}{rest}", DATA_DIFFERS)
    elif compared.unreadable:
        state.fail("data", f"nothing else differs from entry {entry}{rest}", _unread_code(state))
    else:
        state.ok("data", f"every file that entry {entry} read is as it saw it{rest}")


def _unread_code(state: VerificationState) -> int:
    """Data that cannot be read is no reason to keep quiet about what is wrong with the ledger."""
    return USAGE if state.codes == {OK} else DATA_DIFFERS


def _uncompared(
    compared: folder_comparison.FolderComparison, passed: int, own: Collection[str] | None
) -> Iterator[str]:
    """Say what was not compared, one clause a reason."""
    if compared.unreadable:
        first, cause = compared.unreadable[0]
        yield f"{count_noun(len(compared.unreadable), 'file')} could not be read ({first}: {cause})"
    if compared.unread:
        yield f"{count_noun(len(compared.unread), 'file')} could not be compared: the scan had not read them"
    inside = sum(len(each.files) for each in compared.left_out)
    if inside:
        names = some([each.path for each in compared.left_out if each.files])
        yield f"{count_noun(inside, 'file')} in folders that the scan left out were not compared ({names})"
    if passed:
        yield f"{count_noun(passed, 'file')} of version control or caches that the scan had not seen were not compared"
    if own is None and compared.own:
        yield f"{count_noun(compared.own, 'file')} in the ledger's own folder were not compared"
