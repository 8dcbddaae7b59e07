"""Decisions: what a responsible person decided about a source or a finding, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provenance import ledger as signed_ledger
from provenance.attestations import ComposedAct, current_time, digest_documents, forms, newest_scan
from provenance.errors import ConfigError
from provenance.ledger.format import finding_fingerprints

if TYPE_CHECKING:
    from pathlib import Path

KIND = "decision"

TEMPLATE = """\
# A decision: what is done about a source or a finding, and why. It is signed into the ledger, and changes no finding.
# Write no personal data but the name and role of whoever decides.
attestation: decision
by:
  name:
  role:
date: # 2026-01-31
about:
  source: # id of a source; or
  # finding: # fingerprint of a finding in quotes, or its first 8 digits or more
  # entry: # number of the scan's entry; the newest scan if not given
decision: # keep | drop | license | replace
reason:
documents: # a list of { file: path relative to this file }; only their digests go into the ledger
"""


def compose(folder: Path, form: forms.Form, data: Path | None) -> ComposedAct:
    """Compose a decision.

    Args:
        folder: the ledger.
        form: as it was read.
        data: a folder that came out; of a decision there is none.

    Returns:
        The act.

    Raises:
        ConfigError: the form is not what it should be, or its scan has no such source or finding.
    """
    form = forms.validate(form, f"forms/{KIND}")
    forms.check_date(form, "a decision")
    if data is not None:
        raise ConfigError("nothing comes out of a decision; leave out --data")
    return ComposedAct(
        KIND,
        form.source,
        {
            "by": form.value["by"],
            "date": form.value["date"],
            "decision": form.value["decision"],
            "about": _about(folder, form),
            "reason": form.value["reason"],
            "documents": digest_documents(form),
            "decidedOn": current_time(),
        },
    )


def _about(folder: Path, form: forms.Form) -> dict[str, Any]:
    """Name what was decided about, as the scan has it."""
    subject = form.value["about"]
    entry = newest_scan(folder, subject.get("entry"))
    if "source" in subject:
        if (
            subject["source"]
            not in signed_ledger.read_tables(folder, entry, {"sources"})["sources"]["source"].to_pylist()
        ):
            raise ConfigError(f"{form.at('about', 'source')}: entry {entry} has no source {subject['source']!r}")
        return {"entry": entry, "source": subject["source"]}
    rows = signed_ledger.read_tables(folder, entry, {"findings"})["findings"].to_pylist()
    row = finding_fingerprints.find_one(rows, subject["finding"], entry)
    if row is None:
        raise ConfigError(
            f"{form.at('about', 'finding')}: {finding_fingerprints.explain_missing(subject['finding'], entry)}"
        )
    return {"entry": entry, "fingerprint": row["fingerprint"], "check": row["check"], "source": row["source"]}
