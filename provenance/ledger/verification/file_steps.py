"""What verification says of a ledger's files: digests, trees, what is withheld or unbound, and their data."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from provenance.core import path_names
from provenance.core.wording import count_noun
from provenance.errors import InputError, VerificationError
from provenance.ledger import layout
from provenance.ledger.format import statement
from provenance.ledger.log import folder_comparison, leaf_hashes, table_trees
from provenance.ledger.log.file_writing import STAGING
from provenance.ledger.log.folder_comparison import Changes
from provenance.ledger.log.tool_files import ToolFiles
from provenance.ledger.proofs import redaction
from provenance.ledger.verification.results import DATA_DIFFERS, INVALID, OK, USAGE, WITHHELD, some

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from provenance.ledger.verification.inquiry import Inquiry, VerificationRequest

_DEPTH = 4  # folders deep; what stands deeper is not ours and is named as a whole
_NOTE = re.compile(r"checkpoints/([1-9][0-9]{0,8})\.note")


def list_files(inquiry: Inquiry, asked: VerificationRequest) -> None:
    """See what is in the folder, and refuse what is neither file nor folder.

    Args:
        inquiry: what is asked and known so far; the step is added to it.
        asked: what the verifier asked for.
    """
    check_readable(inquiry, asked)
    check_whole(inquiry)
    if not layout.is_ledger(inquiry.folder):
        raise inquiry.stop("ledger", f"{inquiry.folder} is not a ledger", USAGE)
    refused = []
    for name, kind in _walk(inquiry.folder):
        if kind == "file":
            inquiry.files.add(name)
        elif kind == "folder":
            inquiry.strange.append(f"{name}/")
        elif name != "scans/latest":
            refused.append(name)
    sizes = [int(found[1]) for name in inquiry.files if (found := _NOTE.fullmatch(name))]
    inquiry.size = max(sizes, default=0)
    if refused and not inquiry.size:  # what leads elsewhere hides that there is one
        raise inquiry.stop("folder", f"links and special files are refused: {some(refused)}")
    if not inquiry.size:
        raise inquiry.stop("ledger", f"no scan was ever finished in {inquiry.folder}", USAGE)
    if refused or not _latest_is_ours(inquiry):
        inquiry.fail("folder", f"links and special files are refused: {some(refused or ['scans/latest'])}")
    else:
        inquiry.ok("folder", f"{count_noun(len(inquiry.files), 'file')}, and no link but scans/latest")


def check_readable(inquiry: Inquiry, asked: VerificationRequest) -> None:
    """Stop where the data is no folder, or the ledger may not be looked at: that says nothing of what it holds.

    Args:
        inquiry: what is asked and known so far; the step is added to it.
        asked: what the verifier asked for.
    """
    if asked.data is not None and not os.path.isdir(asked.data):  # noqa: PTH112 - it never raises
        raise inquiry.stop("data", layout.unreadable(asked.data) or f"{asked.data} is not a folder", USAGE)
    if reason := layout.unreadable(inquiry.folder):
        raise inquiry.stop("ledger", reason, USAGE)


def check_whole(inquiry: Inquiry) -> None:
    """Stop where parts of a ledger are gone: whoever removes the head of a log must not make it pass for no log."""
    folder = inquiry.folder
    if not layout.was_ledger(folder):
        return
    if not (folder / layout.ORIGIN).is_file():
        raise inquiry.stop("ledger", f"{layout.ORIGIN} is missing")
    if not layout.size(folder) and layout.has_entries(folder):
        if (folder / STAGING).is_dir():  # a first scan was killed, and left what it was doing
            raise inquiry.stop("ledger", f"no scan was ever finished in {folder}; scan again to finish it", USAGE)
        raise inquiry.stop("ledger", f"{layout.note_path(1)} is missing")


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


def _latest_is_ours(inquiry: Inquiry) -> bool:
    """Nothing is read through the link, but people follow it: it must lead to a finished scan."""
    latest = inquiry.folder / "scans" / "latest"
    if not latest.is_symlink():
        return True
    target = str(latest.readlink())
    return re.fullmatch(r"[0-9]{8}", target) is not None and int(target) < inquiry.size


def check_latest(inquiry: Inquiry, strict: bool) -> None:
    """Say where `scans/latest` does not lead to the newest scan: nothing is read through it, but people follow it.

    Args:
        inquiry: what is asked and known so far; the step is added to it.
        strict: whether that is a fault.
    """
    latest = inquiry.folder / "scans" / "latest"
    newest = max((said.place.index for said in inquiry.statements if said.kind == statement.SCAN), default=None)
    if newest is None or not latest.is_symlink() or str(latest.readlink()) == f"{newest:08d}":
        return
    told = f"scans/latest leads to {latest.readlink()}, and scan {newest} is the newest: the next scan sets it right"
    if strict:
        inquiry.fail("latest", told)
    else:
        inquiry.skip("latest", told)


def check_files(inquiry: Inquiry) -> None:
    """Every file that an entry binds has the digest it says; what is missing is withheld."""
    for said in inquiry.statements:
        for name, digest in said.folder.items():
            if inquiry.bound.setdefault(name, digest) != digest:
                raise inquiry.stop("objects", f"two entries bind {name} to different digests")
    for name, digest in inquiry.bound.items():
        if name not in inquiry.files:
            inquiry.withheld.append(name)
        elif folder_comparison.digest(inquiry.folder / name) != digest:
            inquiry.fail("objects", f"{name} is not what its entry binds")
    if layout.ORIGIN in inquiry.files and inquiry.read(layout.ORIGIN, 1 << 16) != f"{inquiry.origin}\n".encode():
        inquiry.fail("objects", "origin is not the name of this log")
    if inquiry.withheld:
        inquiry.fail("objects", f"withheld: {some(inquiry.withheld)}", WITHHELD)
    elif INVALID not in inquiry.codes:
        have = (
            "has the digest that its entry binds" if len(inquiry.bound) == 1 else "have the digests that entries bind"
        )
        inquiry.ok("objects", f"{count_noun(len(inquiry.bound), 'file')} {have}")


def check_trees(inquiry: Inquiry) -> None:
    """Every tree and content set that a scan states is that of its lines; what is withheld is said, not failed."""
    if INVALID in inquiry.codes:
        inquiry.skip("trees", "files are not what entries bind, so nothing is made of them")
        return
    checked, withheld = 0, []
    for said in inquiry.statements:
        if said.kind == statement.SCAN:
            found = table_trees.check(inquiry.folder, said, inquiry.withheld)
            checked += found.checked
            withheld += [f"{each} (entry {said.place.index})" for each in found.withheld]
            for fault in found.faults:
                inquiry.fail("trees", f"entry {said.place.index}: {fault}")
    if withheld:
        inquiry.skip("trees", f"withheld: {some(withheld)}")
    if checked and INVALID not in inquiry.codes:
        are = "tree or content set is that" if checked == 1 else "trees and content sets are those"
        inquiry.ok("trees", f"{checked:,} {are} of the lines")


def check_redacted(inquiry: Inquiry) -> None:
    """Tables that are shown in part still make the roots that were signed."""
    found = redaction.check(inquiry.folder, inquiry.statements, inquiry.files)
    inquiry.beside |= found.held
    if found.faults:
        inquiry.fail("redacted", some(found.faults))
    elif found.held:
        are = (
            "line that is shown is the one that was" if found.shown == 1 else "lines that are shown are those that were"
        )
        told = f"{found.shown:,} {are} signed, {found.hidden:,} {'is' if found.hidden == 1 else 'are'} withheld"
        inquiry.ok("redacted", told)


def check_unbound(inquiry: Inquiry, strict: bool) -> None:
    """Name what no entry vouches for: leftovers of a killed scan, or something slipped in.

    Args:
        inquiry: what is asked and known so far; the step is added to it.
        strict: whether such a file is a fault.
    """
    signed = {layout.entry_path(index) for index in range(inquiry.size)}
    signed |= {layout.note_path(size) for size in range(1, inquiry.size + 1)} | {leaf_hashes.PATH} | inquiry.beside
    strangers = inquiry.files - signed - set(inquiry.bound)
    # `look` says where the link leads; what stands there instead of a link was put there by somebody else.
    latest = {"scans/latest"} if os.path.islink(inquiry.folder / "scans" / "latest") else set()  # noqa: PTH114 - it never raises
    inquiry.own = frozenset((inquiry.files - strangers - {"scans/latest"}) | latest)
    inquiry.unbound = sorted([*strangers, *inquiry.strange])
    if not inquiry.unbound:
        inquiry.ok("unbound", "every file in the folder is bound")
    elif strict:
        inquiry.fail("unbound", f"no entry binds {some(inquiry.unbound)}")
    else:
        inquiry.skip("unbound", f"no entry binds {some(inquiry.unbound)}: nobody vouches for what is in them")


def check_data(inquiry: Inquiry, data: Path | None) -> None:
    """Compare data with the newest scan's table of files.

    Args:
        inquiry: what is asked and known so far; the step is added to it.
        data: the folder; None = not asked.
    """
    if data is None:
        inquiry.skip("data", "no data was given (--data): whether it is still what was scanned is unknown")
        return
    scans = [said for said in inquiry.statements if said.kind == statement.SCAN]
    name = scans[-1].predicate["tables"].get("files", {}).get("lines") if scans else None
    if name is None or name in inquiry.withheld or inquiry.bound.get(name) is None or INVALID in inquiry.codes:
        inquiry.skip("data", "the table of files is withheld or does not verify")
        return
    naming = scans[-1].predicate.get("pathNaming", path_names.FIRST_VERSION)
    if naming not in path_names.VERSIONS:
        inquiry.skip("data", f"entry {scans[-1].place.index} names paths by a version that this program does not know")
        return
    try:
        table = folder_comparison.scanned(inquiry.folder / name, inquiry.bound[name])
        compared = folder_comparison.compare(table, data, inquiry.folder, naming=naming, own=inquiry.own)
    except InputError as cause:
        inquiry.fail("data", str(cause), _unread_code(inquiry))
    except (ValueError, VerificationError) as cause:
        inquiry.fail("data", f"{name} is not a table of files: {cause}")
    else:
        tools = ToolFiles(data, lambda: _digests(inquiry, name, compared.same))
        _conclude_data(inquiry, data, compared, scans[-1].place.index, tools)


def _digests(inquiry: Inquiry, name: str, same: Iterable[str]) -> set[str]:
    """Return the digests of the files that are as they were scanned; none where the table is not what it was."""
    unchanged = set(same)
    try:
        table = folder_comparison.scanned(inquiry.folder / name, inquiry.bound[name])
        return {digest for path, digest, _ in table if digest is not None and path in unchanged}
    except (ValueError, VerificationError, OSError):
        return set()


def _conclude_data(
    inquiry: Inquiry, data: Path, compared: folder_comparison.FolderComparison, entry: int, tools: ToolFiles
) -> None:
    """Say how data differs; version control and caches may come and go, and are counted."""
    added = [path for path in compared.changes.added if tools.recognise(path) is None]
    inside = {path for each in compared.left_out for path in each.files if tools.recognise(path) is not None}
    changed = sorted([*compared.changes.changed, *folder_comparison.resized(data, compared, inside)])
    inquiry.changes = Changes(tuple(added), compared.changes.removed, tuple(changed))
    passed = len(compared.changes.added) - len(added)
    told = "".join(f"; {each}" for each in _uncompared(compared, passed, inquiry.own))
    if inquiry.changes:
        rest = f"{len(compared.changes.removed)} removed, {len(changed)} changed"
        inquiry.fail("data", f"{count_noun(len(added), 'file')} added, {rest}{told}", DATA_DIFFERS)
    elif compared.unreadable:
        inquiry.fail("data", f"nothing else differs from entry {entry}{told}", _unread_code(inquiry))
    else:
        inquiry.ok("data", f"every file that entry {entry} read is as it saw it{told}")


def _unread_code(inquiry: Inquiry) -> int:
    """Data that cannot be read is no reason to keep quiet about what is wrong with the ledger."""
    return USAGE if inquiry.codes == {OK} else DATA_DIFFERS


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
