"""Fingerprints of findings, of which people give the beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provenance.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SHORT_DIGITS = 8
"""Digits of a fingerprint that are enough to name a finding."""


def check_beginning(beginning: str) -> None:
    """Refuse what is not the beginning of a fingerprint.

    Args:
        beginning: what somebody gave as one.

    Raises:
        ConfigError: it has other characters than hexadecimal digits, fewer than SHORT_DIGITS or more than all 32.
    """
    if not beginning:
        raise ConfigError(f"the fingerprint is empty: give its 32 hexadecimal digits, or the first {SHORT_DIGITS}")
    if not SHORT_DIGITS <= len(beginning) <= 32 or not set(beginning) <= set("0123456789abcdef"):
        raise ConfigError(
            f"{beginning[:80]!r} is no fingerprint: give its 32 hexadecimal digits, or the first {SHORT_DIGITS}"
        )


def find_one(rows: Iterable[Mapping[str, Any]], beginning: str, entry: int) -> Mapping[str, Any] | None:
    """Return the finding whose fingerprint begins so.

    Args:
        rows: of FINDINGS.
        beginning: the first digits of a fingerprint, see `check_beginning`.
        entry: number of their entry, for messages.

    Returns:
        Its row; None where there is none.

    Raises:
        ConfigError: there are several.
    """
    matching = [row for row in rows if str(row["fingerprint"]).startswith(beginning)]
    if len({row["fingerprint"] for row in matching}) > 1:
        raise ConfigError(f"{len(matching)} findings of entry {entry} begin with {beginning}; give all 32 digits")
    return matching[0] if matching else None


def explain_missing(beginning: str, entry: int) -> str:
    """Return the sentence that an entry has no such finding.

    Args:
        beginning: the first digits that were given.
        entry: its number.
    """
    return f"no finding of entry {entry} begins with {beginning}; `provenance show LEDGER` names them"
