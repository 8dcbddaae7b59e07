"""Keyed ids: the same person has the same id in all scans of one owner, and nobody else can tell whose it is.

An id is the first 8 bytes of HMAC-SHA256(secret, "provenance-person/v1" 0x00 name), where the name is NFKC, case-folded
and its white space single. The secret is that of salts (`ledger.salts`), which never enters a ledger; a scan without a
ledger has one of its own. Whoever lacks the secret can test no guess; whoever destroys it makes the ids nobody's.
"""

from __future__ import annotations

import hmac
import re
import secrets
import unicodedata
from dataclasses import dataclass, field

FORM = "hmac-sha256/v1"
"""How ids are made."""

SECRET = 32
"""Bytes of a secret."""

ID = re.compile(r"(?<![\w:])person:([a-z][a-z-]*):([0-9a-f]{16})(?!\w)")
"""What stands in place of a name: role and id."""

_PERSON, _SALT, _CHECK = b"provenance-person/v1", b"provenance-contact-salt/v1", b"provenance-person-key/v1"


@dataclass(frozen=True, slots=True)
class IdentityKey:
    """What ids are made with.

    Args:
        secret: 32 bytes.
    """

    secret: bytes = field(repr=False)

    def id(self, value: str) -> str:
        """Return the id of a name, address or number.

        Args:
            value: as written; case, width and white space tell nobody apart.

        Returns:
            16 hexadecimal digits.
        """
        plain = " ".join(unicodedata.normalize("NFKC", value).casefold().split())
        surname, comma, given = plain.partition(", ")
        if comma and " " not in surname and "," not in given and len(given.split()) < 3:
            plain = f"{given} {surname}"
        return self._digest(_PERSON, plain.encode("utf-8", "surrogatepass"))

    def person(self, role: str, name: str) -> str:
        """Return what stands in place of a name; of such a text itself, that text.

        Args:
            role: creator, owner, contact, ...
            name: as written.
        """
        return name if ID.fullmatch(name) else f"person:{role}:{self.id(name)}"

    def salt(self, *parts: str) -> str:
        """Return what keeps a row of CONTACTS from being guessed by the digest of the table.

        Args:
            parts: what tells the row from others.
        """
        return self._digest(_SALT, "\0".join(parts).encode("utf-8", "surrogatepass"), 16)

    @property
    def check(self) -> str:
        """What tells, without the secret, whether two ids were made with the same one: 16 hexadecimal digits."""
        return self._digest(_CHECK, b"")

    @property
    def described(self) -> dict[str, str]:
        """What an entry says of it."""
        return {"alg": FORM, "key": self.check}

    def _digest(self, kind: bytes, value: bytes, size: int = 8) -> str:
        return hmac.digest(self.secret, kind + b"\0" + value, "sha256")[:size].hex()


def alone() -> IdentityKey:
    """Return a key for one scan, whose ids no other scan shares."""
    return IdentityKey(secrets.token_bytes(SECRET))
