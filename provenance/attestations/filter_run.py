"""Filters that ran: by whom, with what, on what, and how much was left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provenance import ledger as signed_ledger
from provenance.attestations import (
    ComposedAct,
    current_time,
    describe_inputs,
    describe_tool,
    digest_documents,
    forms,
    statement_of,
)
from provenance.core import path_names
from provenance.core.wording import count_noun
from provenance.errors import ConfigError, InputError
from provenance.ledger.format import statement
from provenance.ledger.log import output_files

if TYPE_CHECKING:
    from pathlib import Path

KIND = "filter-run"

TEMPLATE = """\
# A filter that was applied to data. What came out is digested with: provenance attest LEDGER FILE --data FOLDER
# Write no personal data but the name and role of whoever answers for it.
attestation: filter-run
by:
  name:
  role:
date: # 2026-01-31
tool:
  name:
  version:
  # sha256: # of the tool itself, if it is one file
configuration: # what the tool was told, such as a list of `provenance export removal-list`
  file:
inputs:
  - entry: # number of the scan's entry; or name and sha256 of other data
counts:
  in: # records before
  out: # records after
documents: # a list of { file: path relative to this file }; only their digests go into the ledger
"""


def compose(folder: Path, form: forms.Form, data: Path | None) -> ComposedAct:
    """Compose the entry of a filter that ran.

    Args:
        folder: the ledger.
        form: as it was read.
        data: the folder that came out, which is digested now; None = it is not at hand.

    Returns:
        The act.

    Raises:
        ConfigError: the form is not what it should be, or an entry that it names is not there.
        InputError: the folder cannot be read.
    """
    form = forms.validate(form, f"forms/{KIND}")
    forms.check_date(form, "the entry of a filter")
    counts = form.value["counts"]
    if counts["out"] > counts["in"]:
        raise ConfigError(f"{form.at('counts')}: a filter does not add records")
    _check_counts(folder, form, counts["in"])
    facts: dict[str, Any] = {
        "by": form.value["by"],
        "date": form.value["date"],
        "tool": describe_tool(form),
        "inputs": describe_inputs(folder, form),
        "counts": counts,
        "documents": digest_documents(form),
        "ranOn": current_time(),
    }
    if "configuration" in form.value:
        where = form.at("configuration")
        facts["configuration"] = forms.digest_document(form.value["configuration"], where, form.path.parent)
    if data is None:
        return ComposedAct(KIND, form.source, facts)
    outputs, lines = output_files.digest_folder(data)
    return ComposedAct(
        KIND, form.source, facts | {"outputs": outputs, "pathNaming": path_names.CURRENT_VERSION}, (lines,)
    )


def _check_counts(folder: Path, form: forms.Form, count: int) -> None:
    """Refuse more records than there were: a filter may run on a part of what was scanned, and never on more."""
    import pyarrow.compute as pc

    entries = [each.get("entry") for each in form.value["inputs"]]
    if None in entries:
        return  # of other data nobody here counted records
    if any(statement_of(folder, entry, *statement.KINDS_WITH_DATA).kind != statement.SCAN for entry in entries):
        return
    try:
        tables = [signed_ledger.read_tables(folder, entry, {"files"})["files"] for entry in set(entries)]
    except InputError:
        return  # withheld
    there = sum(pc.sum(table["records"]).as_py() or 0 for table in tables)
    if count > there:
        named = ", ".join(f"entry {entry}" for entry in sorted(set(entries)))
        raise ConfigError(
            f"{form.at('counts')}: {count_noun(count, 'record')} went in, it says, and {named} read {there:,}"
        )
