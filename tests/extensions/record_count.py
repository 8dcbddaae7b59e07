"""A report: how many records a scan read."""

from provenance.reports.report_format import ReportFormat

REPORT = ReportFormat("count", lambda scan: b"%d\n" % sum(scan.tables["files"]["records"].to_pylist()))
