"""Hosts of addresses, column by column, and their registrable domains by the Public Suffix List.

An address in plain form (http or https, ASCII host, no user, no backslash) is split by one expression over the column;
any other distinct one is read as a browser reads it (WHATWG URL), or is unparsable. The list is the copy that comes
with the package publicsuffixlist; a host under no suffix of the list has no registrable domain.
"""

from __future__ import annotations

import ipaddress
import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

ADDRESS = "(IP address)"
"""In place of the domain of a host that is an IP address: it may be somebody's home."""
NO_DOMAIN = "(no registrable domain)"
"""In place of the domain of a host such as `localhost`."""
LONGEST_BYTES = 8192
"""Bytes of the longest address that is read."""

_PLAIN = (
    r"^\s*(?i:https?)://(?P<host>[A-Za-z0-9._-]*[A-Za-z][A-Za-z0-9._-]*)(?P<port>:[0-9]{1,5})?"
    r"(?P<path>[/?][^#\\\s]*)?(?:#.*)?$"
)
_ODD = re.compile(r"(https?):[/\\]*(?P<authority>[^/\\?#]*)(?P<path>[^#]*)", re.IGNORECASE | re.DOTALL)
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_PORTS = {"", "80", "443"}


def split_urls(urls: pa.Array) -> pa.StructArray:
    """Split addresses of the web.

    Args:
        urls: strings; null = no address.

    Returns:
        A struct for each: host (lower case, with its port where that is not the usual one) and path (with its query,
        beginning with '/'); both null where there is no address or it is none of the web.
    """
    urls = urls.cast(pa.large_string())
    found = pc.extract_regex(urls, _PLAIN)
    host, port, path = (pc.struct_field(found, name) for name in ("host", "port", "path"))
    long = pc.greater(pc.binary_length(urls), LONGEST_BYTES)
    plain = pc.and_(pc.is_valid(host), pc.invert(pc.fill_null(long, False)))
    empty, slash, nothing = (pa.scalar(each, pa.large_string()) for each in ("", "/", None))
    usual = pc.is_in(port, value_set=pa.array(["", ":80", ":443"], pa.large_string()))
    name = pc.utf8_rtrim(pc.ascii_lower(host), ".")
    host = pc.binary_join_element_wise(name, pc.if_else(usual, empty, port), empty)
    path = pc.if_else(pc.starts_with(path, "/"), path, pc.binary_join_element_wise(slash, path, empty))
    host, path = (pc.if_else(plain, each, nothing) for each in (host, path))
    rest = pc.and_(pc.is_valid(urls), pc.invert(plain))
    if pc.any(rest).as_py():
        host, path = _fill_odd(urls, rest, host, path)
    return pa.StructArray.from_arrays([host, path], ["host", "path"])


def _fill_odd(urls: pa.Array, rest: pa.Array, host: pa.Array, path: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Read what is not plain, each distinct address once."""
    odd = urls.filter(rest).dictionary_encode()
    read = [_split_odd(each) for each in odd.dictionary.to_pylist()]
    columns = (pa.array([each[k] for each in read], pa.large_string()).take(odd.indices) for k in (0, 1))
    host, path = (pc.replace_with_mask(mine, rest, theirs) for mine, theirs in zip((host, path), columns, strict=True))
    return host, path


def _split_odd(url: str) -> tuple[str | None, str | None]:
    """Read one address as a browser does; (None, None) if it is none of the web."""
    if len(url.encode("utf-8", "replace")) > LONGEST_BYTES:
        return None, None
    found = _ODD.match(re.sub(r"[\t\n\r]", "", url.strip("".join(map(chr, range(33))))))
    if found is None:
        return None, None
    name, colon, port = found["authority"].rpartition("@")[2].rpartition(":")
    if not colon or "]" in port:
        name, port = found["authority"].rpartition("@")[2], ""
    host = _normalise_host(name)
    if host is None or not re.fullmatch(r"[0-9]{0,5}", port):
        return None, None
    path, mark, query = found["path"].partition("?")
    path = path.replace("\\", "/") + mark + query
    return (host if port in _PORTS else f"{host}:{port}"), (path if path.startswith("/") else "/" + path)


def _normalise_host(name: str) -> str | None:
    if name.startswith("[") and name.endswith("]"):
        with_brackets = name[1:-1]
    else:
        try:
            name = name.encode("idna").decode().lower().rstrip(".")  # the registries' form of names in any script
        except UnicodeError:
            return None
        with_brackets = None
    try:
        address = ipaddress.ip_address(with_brackets or name)
    except ValueError:
        return name if with_brackets is None and _NAME.fullmatch(name) and not name[-1].isdigit() else None
    return f"[{address}]" if address.version == 6 else str(address)


def find_domains(hosts: pa.Array) -> pa.Array:
    """Name the registrable domain of each host.

    Args:
        hosts: from `split_urls`; distinct ones are looked up once.

    Returns:
        Strings: the domain in its ASCII form, ADDRESS, NO_DOMAIN; null for null.
    """
    encoded = hosts.dictionary_encode()
    return pa.array([find_domain(each) for each in encoded.dictionary.to_pylist()], pa.string()).take(encoded.indices)


@lru_cache(maxsize=1 << 16)
def find_domain(host: str) -> str:
    """Return the registrable domain of one host, ADDRESS or NO_DOMAIN.

    Args:
        host: as `split_urls` gives it.
    """
    name = host if host.endswith("]") else host.partition(":")[0]
    if name.startswith("[") or re.fullmatch(r"[0-9.]+", name):
        return ADDRESS
    found: str | None = _load_suffixes().privatesuffix(name)
    return found or NO_DOMAIN


@cache
def _load_suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(accept_unknown=False)
