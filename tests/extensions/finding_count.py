"""An export: how many findings a scan has."""

import provenance
from provenance.ledger.exports.export_format import ExportFormat


def _write(folder, target, asked):
    target.write_text(f"{len(provenance.open_ledger(folder, asked.index).findings)}\n")
    return ("Findings.",)


FINDINGS_EXPORT = ExportFormat("findings", "How many findings a scan has.", ("index",), write=_write)
