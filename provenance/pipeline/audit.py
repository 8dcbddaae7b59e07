"""Audits: the tables of a scan as a notebook holds them, of a fresh scan or of one that a ledger sealed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance import ledger as signed_ledger
from provenance.core import schemas
from provenance.core.wording import count_noun
from provenance.errors import ConfigError, VerificationError
from provenance.reports import REPORTS
from provenance.reports.report_format import ReportedScan

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Audit:
    """What a scan found: DataFrames for people, Arrow tables underneath.

    Args:
        tables: the tables of `schemas.SEALED` by name.
        facts: what the scan says of itself: purpose, profiles, times, versions.
        entry: the ledger entry it was appended as; None where nothing was written.
        notices: what a person should be told of the writing, one sentence each.
    """

    tables: Mapping[str, pa.Table]
    facts: Mapping[str, Any]
    entry: signed_ledger.Entry | None = None
    notices: tuple[str, ...] = ()

    @property
    def sources(self) -> pd.DataFrame:
        """SOURCES: one row a data source."""
        return self._frame("sources")

    @property
    def files(self) -> pd.DataFrame:
        """FILES: one row a file or member of an archive."""
        return self._frame("files")

    @property
    def claims(self) -> pd.DataFrame:
        """CLAIMS: one row a statement of a witness."""
        return self._frame("claims")

    @property
    def matches(self) -> pd.DataFrame:
        """MATCHES: one row a record and other file."""
        return self._frame("matches")

    @property
    def overlaps(self) -> pd.DataFrame:
        """OVERLAPS: one row a view and ordered pair of sources or files."""
        return self._frame("overlaps")

    @property
    def observations(self) -> pd.DataFrame:
        """OBSERVATIONS: one row a file, detector, kind and state; counts, never text."""
        return self._frame("observations")

    @property
    def references(self) -> pd.DataFrame:
        """REFERENCES: one row a view of an item of an index, and file or source that holds it."""
        return self._frame("references")

    @property
    def findings(self) -> pd.DataFrame:
        """FINDINGS: one row a disagreement, the worst first."""
        return self._frame("findings")

    @property
    def coverage(self) -> pd.DataFrame:
        """COVERAGE: one row a check or step."""
        return self._frame("coverage")

    @property
    def verdicts(self) -> pd.DataFrame:
        """VERDICTS: one row an element of a requirement of a profile."""
        return self._frame("verdicts")

    @property
    def contacts(self) -> pd.DataFrame:
        """CONTACTS: one row a person or contact that a manifest names; none where the table is withheld or erased."""
        table = self.tables.get("contacts")
        frame: pd.DataFrame = (schemas.CONTACTS.empty_table() if table is None else table).to_pandas()
        return frame

    def without(self, *dropped: str) -> Audit:
        """Answer "what if we did not use these sources?" without reading anything again.

        Args:
            dropped: ids of sources.

        Returns:
            The audit of what is left. Findings on a copy stay, though its twin is dropped: the text is still there.

        Raises:
            ConfigError: there is no such source, nothing would be left, or this audit is such an answer itself.
        """
        from provenance.pipeline import what_if

        return Audit(*what_if.leave_out_sources(self.tables, self.facts, dropped))

    def records(
        self, data: str | os.PathLike[str], places: Iterable[tuple[str, int]], *, masked: bool = True
    ) -> pd.DataFrame:
        """Read records back from the data, which must be the bytes that were scanned.

        Args:
            data: the folder that was scanned.
            places: path and row of each record, as in MATCHES, FINDINGS and `pairs`.
            masked: whether [email], [phone], ... stand in the place of personal data.

        Returns:
            `path` and the columns of RECORDS, one row a place, in the order given.

        Raises:
            ConfigError: there is no such record; InputError: its file is gone; DigestMismatch: it was changed.
        """
        from provenance.sources import excerpts

        frame: pd.DataFrame = excerpts.read(self.tables, data, places, masked=masked).to_pandas()
        return frame

    def _frame(self, name: str) -> pd.DataFrame:
        frame: pd.DataFrame = self.tables[name].to_pandas()
        return frame

    def worst(self) -> str | None:
        """Return the worst severity of the findings that are not waived, or None if there are none."""
        findings = self.tables["findings"]
        found = findings.filter(findings["waived"].is_null())["severity"].to_pylist()
        return found[0] if found else None

    def __repr__(self) -> str:
        counts = self.facts["counts"]
        sources, findings = count_noun(counts["sources"], "source"), count_noun(counts["findings"], "finding")
        return f"<Audit of {self.facts['data']}: {sources}, {findings}>"

    def _repr_html_(self) -> str:
        return str(self.findings[["severity", "check", "source", "other", "message"]].to_html(index=False))


def open_ledger(path: str | os.PathLike[str], index: int | None = None, *, verified: bool = True) -> Audit:
    """Open a scan that stands in a ledger: its entry, the log and every table are verified, not the other entries.

    Args:
        path: the ledger.
        index: number of the entry; None = the newest.
        verified: whether what does not verify is an error; False reads it all the same.

    Returns:
        The audit as it was sealed. Its notices say what does not verify, and whose keys nobody vouches for.

    Raises:
        ConfigError: the folder is no ledger, or has no such entry.
        VerificationError: what it holds is not what was signed.
    """
    notices: list[str] = []
    reader = signed_ledger.open_reader(Path(path), index, verified=verified, warn=notices.append)
    reader.check_files()
    report = read_audit(reader)
    return Audit(report.tables, report.facts, notices=tuple(notices))


def read_audit(reader: signed_ledger.Reader) -> Audit:
    """Return the scan that a reader was opened for.

    Args:
        reader: a ledger that is open for reading.

    Raises:
        InputError: its entry is no scan, or a table is withheld.
        VerificationError: a table is not what was signed.
    """
    return Audit(reader.tables(), reader.statement().predicate)


def write_filing(
    ledger: str | os.PathLike[str], name: str, index: int | None = None, profiles: Sequence[str] = ()
) -> bytes:
    """Write a document that a person signs and hands in.

    Args:
        ledger: the ledger.
        name: one of reports.REPORTS that is a filing.
        index: number of the scan's entry; None = the newest scan.
        profiles: names of profiles to speak of; all that the scan was judged by if none are named.

    Returns:
        The document.

    Raises:
        ConfigError: the folder is no ledger, or the scan was not judged by such a profile.
        VerificationError: the ledger does not verify: nothing is to be signed that rests on it.
    """
    from provenance.attestations import actions
    from provenance.ledger.verification.results import EQUIVOCATION, INVALID
    from provenance.pipeline import report_check

    folder = Path(ledger)
    reader = signed_ledger.open_reader(folder, index)
    report = read_audit(reader)
    verification = report_check.verify(folder)
    if verification.exit_code in {INVALID, EQUIVOCATION} or verification.root != reader.root:
        raise VerificationError(f"{folder} does not verify, so no filing is made of it; run provenance verify {folder}")
    verdicts_of_profile = [each["name"] for each in report.facts["profiles"]]
    if unknown := set(profiles) - set(verdicts_of_profile):
        raise ConfigError(
            f"this scan was not judged by {', '.join(sorted(unknown))}; it was by {', '.join(verdicts_of_profile)}"
        )
    requested = [each for each in report.facts["profiles"] if not profiles or each["name"] in profiles]
    facts = {**report.facts, "profiles": requested}
    declaration = reader.entries("declaration")
    scan = ReportedScan(
        report.tables, facts, entry_of_report(reader, report), history=actions.history(reader), declared=declaration
    )
    return REPORTS[name].render(scan)


def entry_of_report(reader: signed_ledger.Reader, found: Audit) -> signed_ledger.Seal:
    """Return the entry that a report says it is of.

    Args:
        reader: a ledger that is open for reading.
        found: the scan that it is open at.
    """
    log = found.facts["log"]
    return signed_ledger.Seal(log["index"], log["origin"], reader.envelope().keyid)
