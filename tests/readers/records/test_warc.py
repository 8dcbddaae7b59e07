"""WARC: pages with their addresses, the text of extracted ones, and what is no record."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

import provenance as pv
from provenance.readers import records
from provenance.readers.records.warc import OTHER, UNREAD
from provenance.reports import text


def record(kind, url, body, content="application/http; msgtype=response", **fields):
    body = body if isinstance(body, bytes) else body.encode()
    lines = [f"WARC-Type: {kind}", f"WARC-Target-URI: {url}", f"Content-Type: {content}"]
    lines += [f"{name}: {value}" for name, value in fields.items()] + [f"Content-Length: {len(body)}"]
    return ("WARC/1.0\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode() + body + b"\r\n\r\n"


OK = "HTTP/1.1 200 OK\r\n\r\n<p>Hello</p>"
PAGE = record("response", "<https://a.example/x>", OK)
TEXT = record("conversion", "https://a.example/x", "Grüße\n", "text/plain")


def read(tmp_path, data, name="x.warc"):
    (tmp_path / name).write_bytes(data)
    *batches, account = records.read(str(tmp_path / name), name)
    rows = [row for each in batches for row in each.table.to_pylist()]
    return [(row["url"], row["whole"], row["error"]) for row in rows], account


CASES = {
    "a page": (PAGE, [("https://a.example/x", None, None)], len(OK)),
    "extracted text": (TEXT, [("https://a.example/x", "Grüße\n", None)], 0),
    "no page": (
        record("warcinfo", "", "software: x", "application/warc-fields")
        + record("request", "https://a.example/x", "GET /x HTTP/1.1\r\n\r\n")
        + record("revisit", "https://a.example/x", "HTTP/1.1 200 OK\r\n\r\n")
        + record("metadata", "https://a.example/x", "a: b", "application/warc-fields")
        + record("response", "dns:a.example", "1.2.3.4", "text/dns"),
        [],
        0,
    ),
    "nothing was taken": (
        record("response", "https://a.example/x", "HTTP/1.1 404 Not Found\r\n\r\nno")
        + record("response", "https://a.example/y", "HTTP/1.1 301 Moved\r\n\r\n")
        + record("response", "https://a.example/robots.txt", OK),
        [],
        0,
    ),
    "several": (PAGE + TEXT + PAGE, [("https://a.example/x", None, None), ("https://a.example/x", "Grüße\n", None), ("https://a.example/x", None, None)], 2 * len(OK)),
    "text that is no UTF-8": (record("conversion", "https://a.example/x", b"\xff", "text/plain"), [("https://a.example/x", None, "invalid UTF-8")], 1),
    "a NUL": (record("conversion", "https://a.example/x", b"a\0b", "text/plain"), [("https://a.example/x", None, "NUL byte")], 3),
    "line ends without returns": (PAGE.replace(b"\r\n", b"\n").replace(b"Content-Length: 31", b"Content-Length: 29"), [("https://a.example/x", None, None)], 29),
    "nothing": (b"WARC/", [], 5),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_cases(name, tmp_path):
    data, expected, skipped = CASES[name]
    found, account = read(tmp_path, data)
    assert found == expected
    assert (account.format, account.bytes_skipped) == ("warc", skipped)
    assert account.records == len(expected)


@pytest.mark.parametrize(
    ("data", "size", "reason"),
    [
        (record("response", "", OK), len(OK), UNREAD),
        (record("response", "urn:x", OK), len(OK), UNREAD),
        (record("response", "https://a.example/x", "<p>no head of HTTP</p>"), 22, OTHER),
        (record("resource", "metadata://example.org/log", "a log", "text/plain"), 5, OTHER),
        (record("conversion", "file:///x", "a text", "text/plain"), 6, OTHER),
        (record("continuation", "https://a.example/x", "the rest of a page"), 18, OTHER),
        (record("", "https://a.example/x", OK), len(OK), OTHER),
        (record("a kind of my own", "https://a.example/x", OK), len(OK), OTHER),
    ],
    ids=["no address", "another address", "no answer", "log", "file", "continued", "no kind", "another kind"],
)
def test_what_is_taken_and_not_read_is_skipped_and_said(tmp_path, data, size, reason):
    found, account = read(tmp_path, data)
    assert found == []
    assert (account.bytes_skipped, account.skip_reason) == (size, reason)
    assert account.bytes_consumed == len(data) - size


def test_a_folder_of_pages_without_addresses_is_not_scanned_in_whole(tmp_path, in_process):
    (tmp_path / "x.warc").write_bytes(record("response", "", OK) * 3)
    audit = pv.scan(tmp_path)
    file = audit.files.set_index("path").loc["x.warc"]
    assert (file["bytes_skipped"], file["skip_reason"]) == (3 * len(OK), UNREAD)
    assert UNREAD in text.render(audit.tables, audit.facts).decode()


def test_compressed_record_by_record(tmp_path):
    found, account = read(tmp_path, gzip.compress(PAGE) + gzip.compress(TEXT), "x.warc.gz")
    assert [url for url, _, _ in found] == ["https://a.example/x"] * 2
    assert (account.format, account.skip_reason) == ("warc.gz", UNREAD)
    assert 0 < account.bytes_skipped < account.bytes


@pytest.mark.parametrize("cut", [1, 10, len(PAGE) - 10, len(TEXT) - 6])
def test_a_file_that_ends_early_is_said(tmp_path, cut):
    found, account = read(tmp_path, TEXT + PAGE[:cut] if cut != len(TEXT) - 6 else TEXT[:cut])
    assert account.skip_reason is not None
    assert account.bytes_skipped > 0
    assert all(error in (None, "truncated record") for _, _, error in found)


def test_what_follows_damage_is_counted(tmp_path):
    found, account = read(tmp_path, TEXT + b"damage\r\n" + TEXT)
    assert len(found) == 1
    assert account.bytes_skipped == len(b"damage\r\n" + TEXT)
    assert "damaged record" in account.skip_reason


@given(st.binary(max_size=200), st.integers(0, 400))
def test_no_bytes_are_an_error(tmp_path_factory, noise, at):
    data = (PAGE + TEXT)[:at] + noise + TEXT
    _, account = read(tmp_path_factory.mktemp("w"), b"WARC/1.0\r\n" + data)
    assert account.bytes_consumed + account.bytes_skipped == account.bytes
