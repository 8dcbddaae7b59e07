"""Derivations: data that was audited was made into other data, such as training shards; what came out is digested now.

Whoever trains on shards can so follow them back to what was audited: every file of them stands in a list that the entry
binds by a tree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provenance.attestations import ComposedAct, current_time, describe_inputs, describe_tool, digest_documents, forms
from provenance.core import path_names
from provenance.errors import ConfigError
from provenance.ledger.log import output_files

if TYPE_CHECKING:
    from pathlib import Path

KIND = "derivation"

TEMPLATE = """\
# A derivation: data was made into other data. Sign it with: provenance attest LEDGER FILE --data FOLDER-THAT-CAME-OUT
# Write no personal data but the name and role of whoever answers for it.
attestation: derivation
by:
  name:
  role:
date: # 2026-01-31
tool:
  name:
  version:
  # sha256: # of the tool itself, if it is one file
parameters: # what the tool was told; only its digest goes into the ledger
  file:
inputs:
  - entry: # number of a scan's entry, or of another derivation or filter; or name and sha256 of other data
documents: # a list of { file: path relative to this file }
"""


def compose(folder: Path, form: forms.Form, data: Path | None) -> ComposedAct:
    """Compose a derivation.

    Args:
        folder: the ledger.
        form: as it was read.
        data: the folder that came out.

    Returns:
        The act; the list of what came out is an object of it.

    Raises:
        ConfigError: the form is not what it should be, no folder was given, or an entry that it names is not there.
        InputError: the folder cannot be read.
    """
    form = forms.validate(form, f"forms/{KIND}")
    forms.check_date(form, "a derivation")
    if data is None:
        raise ConfigError("a derivation says what came out: name the folder with --data")
    facts: dict[str, Any] = {
        "by": form.value["by"],
        "date": form.value["date"],
        "tool": describe_tool(form),
        "inputs": describe_inputs(folder, form),
        "documents": digest_documents(form),
        "derivedOn": current_time(),
    }
    if "parameters" in form.value:
        facts["parameters"] = forms.digest_document(form.value["parameters"], form.at("parameters"), form.path.parent)
    outputs, lines = output_files.digest_folder(data)
    return ComposedAct(
        KIND, form.source, facts | {"outputs": outputs, "pathNaming": path_names.CURRENT_VERSION}, (lines,)
    )
