"""Asking a timestamp authority: rfc3161-client makes the request (extra `timestamp`), and `send` takes it there.

Nothing here uses the network unless a flag names an address. The library itself never does.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from provenance.errors import ConfigError, InputError
from provenance.ledger import layout
from provenance.ledger.witness import checkpoint_evidence, second_opinion, timestamps

if TYPE_CHECKING:
    from pathlib import Path

DIGESTS = ("sha256", "sha512")
"""Digests of a note that can be asked for: those that the library makes requests with; SHA-384 is read as well."""

_SECONDS = 30  # for each wait of the connection


def make_request(note: bytes, digest: str = "sha256") -> bytes:
    """Make a request to timestamp a note.

    Args:
        note: its bytes; only their digest is in the request.
        digest: one of DIGESTS.

    Returns:
        A TimeStampReq in DER with a random nonce, which asks for the authority's certificates (RFC 3161, section
        2.4.1).

    Raises:
        MissingExtra: rfc3161-client is not installed.
    """
    library = second_opinion.library("ask for timestamps")
    algorithm = library.HashAlgorithm[digest.upper()]
    request: bytes = library.TimestampRequestBuilder().data(note).hash_algorithm(algorithm).build().as_bytes()
    return request


def request_for(folder: Path, size: int | None = None, digest: str = "sha256") -> tuple[bytes, int]:
    """Make a request to timestamp a checkpoint of a ledger.

    Args:
        folder: the ledger.
        size: which checkpoint; the newest if None.
        digest: of its note, one of DIGESTS.

    Returns:
        The request, and the size of the checkpoint.

    Raises:
        ConfigError: there is no such checkpoint.
        VerificationError: what is in its place is none.
        MissingExtra: rfc3161-client is not installed.
    """
    size = size or layout.size(folder)
    return make_request(checkpoint_evidence.read_note(folder, size).note, digest), size


def send(url: str, query: bytes) -> bytes:
    """Send a request to an authority (RFC 3161, section 3.4).

    Args:
        url: http or https; http is usual, as the answer is signed.
        query: the request.

    Returns:
        The answer, at most timestamps.LIMIT bytes; nothing of it is checked yet.

    Raises:
        ConfigError: the address is no http or https address.
        InputError: the authority cannot be reached, refuses, or answers with something else or too much.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        raise ConfigError(f"{url} is no address of a timestamp authority: http://… or https://…")
    headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    request = urllib.request.Request(url, query, headers, method="POST")  # noqa: S310 - http and https alone, see above
    try:
        with _opener().open(request, timeout=_SECONDS) as answer:
            data: bytes = answer.read(timestamps.LIMIT + 1)
    except (OSError, HTTPException, ValueError) as cause:
        raise InputError(f"the timestamp authority {url} cannot be asked: {cause}") from cause
    if len(data) > timestamps.LIMIT:
        raise InputError(f"the timestamp authority {url} answers with more than {timestamps.LIMIT} bytes")
    return data


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Refuse to be sent elsewhere: the user named the address."""

    def redirect_request(self, *_: object) -> None:
        return None


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_NoRedirect)
