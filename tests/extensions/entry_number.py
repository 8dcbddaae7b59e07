"""An export: the number of an entry."""

from provenance.ledger.exports.export_format import ExportFormat

EXPORT = ExportFormat(
    "number",
    "The number of an entry.",
    ("index",),
    lambda entry, _: ([b"%d\n" % entry.index], ("A number.",)),
)
