"""Addresses to hosts, paths and registrable domains."""

import ipaddress
from urllib.parse import urlsplit

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.origins import urls
from provenance.origins.urls import ADDRESS, NO_DOMAIN

CASES = [
    ("http://www.gnu.org/a?b#c", "www.gnu.org", "/a?b", "gnu.org"),
    ("HTTPS://Www.Example.CO.UK", "www.example.co.uk", "/", "example.co.uk"),
    ("https://example.org?x=1", "example.org", "/?x=1", "example.org"),
    ("https://example.org#x/y", "example.org", "/", "example.org"),
    ("https://a.github.io:443/x", "a.github.io", "/x", "a.github.io"),
    ("http://example.org:80", "example.org", "/", "example.org"),
    ("https://example.org:8080/p", "example.org:8080", "/p", "example.org"),
    ("http://example.org./x", "example.org", "/x", "example.org"),
    ("  http://example.org/x \n", "example.org", "/x", "example.org"),
    ("http://ex_a.blogspot.com/p", "ex_a.blogspot.com", "/p", "ex_a.blogspot.com"),
    # what a browser opens, not what a simple split finds
    ("http://foo.com\\@bar.com/x", "foo.com", "/@bar.com/x", "foo.com"),
    ("http://user:pw@example.org/p", "example.org", "/p", "example.org"),
    ("http://example.org\\y\\z?a\\b", "example.org", "/y/z?a\\b", "example.org"),
    ("http:///example.org", "example.org", "/", "example.org"),
    ("ht\ntp://example.org/a\tb", "example.org", "/ab", "example.org"),
    ("http://例え.jp/パス", "xn--r8jz45g.jp", "/パス", "xn--r8jz45g.jp"),
    ("http://example.org/a b", "example.org", "/a b", "example.org"),
    # addresses and names without a registrable domain are not named
    ("http://10.0.0.1/x", "10.0.0.1", "/x", ADDRESS),
    ("http://10.0.0.1:8080/x", "10.0.0.1:8080", "/x", ADDRESS),
    ("http://[2001:DB8::1]:8080/", "[2001:db8::1]:8080", "/", ADDRESS),
    ("http://localhost/", "localhost", "/", NO_DOMAIN),
    ("http://server.internal-only-name/", "server.internal-only-name", "/", NO_DOMAIN),
    ("http://co.uk/", "co.uk", "/", NO_DOMAIN),
    # none of the web
    *((each, None, None, None) for each in (
        "", "example.org/x", "ftp://example.org/", "mailto:a@example.org", "http://", "http://exa mple.org/", "http://1.2.3/",
        "http://[::1/", "http://example.org:99999999/", "images/1.jpg", "http://" + "a" * 9000 + ".org/", "http://.../", None,
    )),
]  # fmt: skip


@pytest.mark.parametrize(("url", "host", "path", "domain"), CASES, ids=[str(case[0])[:30] for case in CASES])
def test_cases(url, host, path, domain):
    split = urls.split_urls(pa.array([None, url, "http://a.example.org/"], pa.string()))
    assert split.to_pylist()[1] == {"host": host, "path": path}
    assert urls.find_domains(split.field("host")).to_pylist() == [None, domain, "example.org"]


def test_a_column_gives_what_its_values_give():
    listed = [case[0] for case in CASES] * 2
    split = urls.split_urls(pa.array(listed, pa.large_string()).slice(1))
    assert split.to_pylist() == [{"host": case[1], "path": case[2]} for case in CASES * 2][1:]
    assert urls.find_domains(split.field("host")).to_pylist() == [case[3] for case in CASES * 2][1:]


def test_nothing_at_all():
    split = urls.split_urls(pa.array([], pa.large_string()))
    assert len(split) == len(urls.find_domains(split.field("host"))) == 0


@given(
    st.from_regex(
        r"https?://[a-z][a-z0-9]{0,5}(\.[a-z][a-z0-9]{0,4}){1,3}(/[a-z.?=&/%]{0,10})?(#[a-z]{0,3})?", fullmatch=True
    )
)
def test_plain_addresses_are_split_as_the_standard_library_does(url):
    expected = urlsplit(url)
    query = "?" + expected.query if expected.query or url.split("#")[0].endswith("?") else ""
    found = urls.split_urls(pa.array([url])).to_pylist()[0]
    assert found["host"] == expected.hostname
    assert found["path"] == (expected.path or "/") + query


@given(st.text(max_size=30))
def test_no_text_is_an_error(text):
    split = urls.split_urls(pa.array(["http://" + text, text], pa.string()))
    for row in split.to_pylist():
        assert (row["host"] is None) == (row["path"] is None)
        assert row["host"] is None or (row["host"] and row["path"].startswith("/"))
    urls.find_domains(split.field("host"))


@given(st.ip_addresses())
def test_no_ip_address_is_ever_named(address):
    host = f"[{address}]" if isinstance(address, ipaddress.IPv6Address) else str(address)
    split = urls.split_urls(pa.array([f"http://{host}/", f"http://{host}:81/"]))
    assert urls.find_domains(split.field("host")).to_pylist() == [ADDRESS, ADDRESS]
