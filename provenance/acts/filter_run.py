"""Filters that ran: by whom, with what, on what, and how much was left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provenance import forms
from provenance.acts import Act, documents, inputs, now, tool
from provenance.errors import ConfigError
from provenance.ledger import outputs

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


def compose(folder: Path, form: forms.Form, data: Path | None) -> Act:
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
    form = forms.held(form, f"forms/{KIND}")
    forms.dated(form, "the entry of a filter")
    counts = form.value["counts"]
    if counts["out"] > counts["in"]:
        raise ConfigError(f"{form.at('counts')}: a filter does not add records")
    facts: dict[str, Any] = {
        "by": form.value["by"],
        "date": form.value["date"],
        "tool": tool(form),
        "inputs": inputs(folder, form),
        "counts": counts,
        "documents": documents(form),
        "ranOn": now(),
    }
    if "configuration" in form.value:
        where = form.at("configuration")
        facts["configuration"] = forms.document(form.value["configuration"], where, form.path.parent)
    if data is None:
        return Act(KIND, form.source, facts)
    said, lines = outputs.digest(data)
    return Act(KIND, form.source, facts | {"outputs": said}, (lines,))
