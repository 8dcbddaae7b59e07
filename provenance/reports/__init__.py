"""Reports: tables in, bytes out. One file a format, each with its declaration, `REPORT`.

To add one: its file, a line in REPORTS, a case table. Filings are the reports that a person signs and hands in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.core.registry import Registry

if TYPE_CHECKING:
    from provenance.reports.report_format import ReportFormat

REPORTS: Registry[ReportFormat] = Registry(
    "REPORT",
    "provenance.reports.html",
    "provenance.reports.json",
    "provenance.reports.sarif",
    "provenance.reports.text",
    "provenance.reports.filings.clause_matrix",
)
"""Every report and filing, by name."""
