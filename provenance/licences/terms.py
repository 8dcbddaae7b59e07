"""What a licence allows for a purpose, with the clause that decides: `data/licence-terms.yaml` asked by expression.

The values are proposals to review with counsel, not legal advice. An unknown licence is `unknown` and never passes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from provenance.core import package_data
from provenance.core.model import PURPOSES
from provenance.licences.expressions import load_spdx

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Value = Literal["yes", "conditional", "review", "no", "unknown"]

STRICTNESS: tuple[Value, ...] = ("no", "unknown", "review", "conditional", "yes")
"""The values of a right, strictest first."""


@dataclass(frozen=True, slots=True)
class Right:
    """What an expression says about one purpose.

    Args:
        value: yes | conditional | review | no | unknown.
        licence: the id of the expression that decides.
        clause: its quote, or why there is none.
    """

    value: Value
    licence: str | None
    clause: str

    @property
    def rank(self) -> int:
        """Place in STRICTNESS: 0 is strictest."""
        return STRICTNESS.index(self.value)


@dataclass(frozen=True, slots=True)
class Terms:
    """One licence's record.

    Args:
        id: SPDX id or LicenseRef.
        family: what it is like: permissive, by-nc, copyleft, ...
        rights: purpose -> value.
        clauses: purpose or obligation -> quote.
        obligations: attribution, share-alike, no-derivatives, use-restrictions.
        read: text (quotes are verbatim) | statement (nothing but the claim was read).
    """

    id: str
    family: str
    rights: Mapping[str, Value]
    clauses: Mapping[str, str]
    obligations: frozenset[str]
    read: str


def find_right(expression: str | None, purpose: str) -> Right:
    """Ask what an expression allows for a purpose.

    Args:
        expression: SPDX expression; AND is as strict as its strictest part, OR as good as its best.
        purpose: one of `model.PURPOSES`.

    Returns:
        The right, with the licence and the clause that decide. None and ids without a record are `unknown`.

    Raises:
        ValueError: `purpose` is none of `model.PURPOSES`.
    """
    if purpose not in PURPOSES:
        raise ValueError(f"{purpose!r} is not a purpose; there are {', '.join(PURPOSES)}")
    if expression is None:
        return Right("unknown", None, "no licence was recognised")
    tree = parse_expression(expression)
    if tree is None:
        return Right("unknown", expression, "the expression cannot be read")
    return _decide(tree, purpose)


def is_known(expression: str) -> bool:
    """Tell whether the terms of an expression are known for every purpose.

    Args:
        expression: SPDX expression.
    """
    return all(find_right(expression, purpose).value != "unknown" for purpose in PURPOSES)


def choose_strictest(expressions: Iterable[str | None], purpose: str) -> str | None:
    """Choose the strictest expression for a purpose; of equals the strictest over all purposes, then the first by name.

    Args:
        expressions: SPDX expressions; None = unknown.
        purpose: one of `model.PURPOSES`.

    Returns:
        The strictest one; None if that is the unknown, or if there are none.
    """

    def strictness(expression: str | None) -> tuple[int, int, str]:
        ranks = [find_right(expression, each).rank for each in PURPOSES]
        return find_right(expression, purpose).rank, sum(ranks), expression or ""

    return min(expressions, key=strictness, default=None)


def find_terms(licence: str) -> Terms | None:
    """Return the record of one licence id, or None if there is none.

    Args:
        licence: SPDX id or LicenseRef; Creative Commons ids of any version and port are read by grammar.
    """
    return _load_terms().get(licence) or _make_commons_terms(licence)


def find_obligations(expression: str | None) -> Mapping[str, str]:
    """Return what an expression asks of whoever passes the data on: obligation -> clause.

    Args:
        expression: SPDX expression; AND asks for all its parts' obligations, OR for those that all options share.
    """
    tree = parse_expression(expression) if expression else None
    return _collect_obligations(tree) if tree is not None else {}


@cache
def parse_expression(expression: str) -> Any:
    """Return license-expression's tree of an SPDX expression, or None if it is not one."""
    import license_expression

    if len(expression) > 10_000:  # an AND over a source's files is long; a tree of this size is still quick
        return None
    try:
        return load_spdx().parse(expression)
    except (license_expression.ExpressionError, license_expression.ParseError, ValueError):
        return None


def _decide(tree: Any, purpose: str) -> Right:
    if tree.isliteral:
        # "GPL-2.0-only WITH Classpath-exception-2.0": an exception only adds permissions.
        return _right_of_one(str(getattr(tree, "license_symbol", tree).key), purpose)
    parts = [_decide(part, purpose) for part in tree.args]
    choose = min if tree.operator.strip() == "AND" else max
    return choose(parts, key=lambda part: part.rank)


def _right_of_one(licence: str, purpose: str) -> Right:
    record = find_terms(licence)
    if record is None:
        return Right("unknown", licence, f"there is no record of the terms of {licence}")
    return Right(record.rights[purpose], licence, record.clauses.get(purpose, ""))


def _collect_obligations(tree: Any) -> Mapping[str, str]:
    if tree.isliteral:
        record = find_terms(str(getattr(tree, "license_symbol", tree).key))
        return {} if record is None else {name: record.clauses.get(name, "") for name in sorted(record.obligations)}
    parts = [_collect_obligations(part) for part in tree.args]
    if tree.operator.strip() == "AND":
        return {name: clause for part in reversed(parts) for name, clause in part.items()}
    return {name: clause for name, clause in parts[0].items() if all(name in part for part in parts)}


@cache
def _load_table() -> dict[str, Any]:
    return dict(package_data.load_table("licence-terms"))


@cache
def _load_terms() -> Mapping[str, Terms]:
    return {
        licence: _make_terms(licence, entry["family"], entry.get("clauses", {}), entry.get("read", "text"))
        for entry in _load_table()["licences"]
        for licence in entry["ids"]
    }


_COMMONS = re.compile(r"(LicenseRef-provenance-)?CC-(BY(?:-NC)?(?:-SA|-ND)?)(?:-(\d\.\d)(?:-[A-Z]{2,3})?)?")


@cache
def _make_commons_terms(licence: str) -> Terms | None:
    match = _COMMONS.fullmatch(licence)
    if match is None:
        return None
    version = match[3]
    edition = {None: "cc-unversioned", "3.0": "cc-3.0", "4.0": "cc-4.0"}.get(version, "cc-old")
    quotes = dict(_load_table()["editions"][edition])
    family = "permissive" if match[2] == "BY" else match[2].lower()
    return _make_terms(licence, family, quotes, quotes.pop("read"))


_OBLIGATION_CLAUSES = {"attribution": "by", "share-alike": "sa", "no-derivatives": "nd", "use-restrictions": "use"}


def _make_terms(licence: str, family: str, quotes: Mapping[str, str], read: str) -> Terms:
    kind = _load_table()["families"][family]
    clauses = {purpose: quotes[name] for purpose, name in kind.get("clauses", {}).items()}
    for obligation in kind["obligations"]:
        clauses[obligation] = quotes.get(_OBLIGATION_CLAUSES[obligation]) or next(iter(quotes.values()))
    return Terms(licence, family, kind["rights"], clauses, frozenset(kind["obligations"]), read)
