"""`provenance timestamp`: by files, and from an authority that is asked at its address."""

import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import yaml

from provenance import cli
from provenance.errors import ConfigError, InputError
from provenance.ledger import layout
from provenance.ledger.witness import timestamp_client, timestamps


@pytest.fixture
def scanned(tmp_path, monkeypatch, append):
    monkeypatch.chdir(tmp_path)
    append("ledger")
    return tmp_path / "ledger"


@pytest.fixture(scope="module")
def authority(make_authority):
    return make_authority()


@pytest.fixture
def trust(scanned, authority, tmp_path):
    pins = [
        {"pem": (scanned / name).read_text(), "roles": [role]}
        for name, role in ((layout.STATEMENT_KEY, "statement"), (layout.LOG_KEY, "log"))
    ]
    asked = {"minimum": 1, "authorities": [{"name": "Clock Ltd", "pem": authority.pem}]}
    path = tmp_path / "trust.yaml"
    path.write_text(yaml.safe_dump({"keys": pins, "timestamps": asked}))
    return str(path)


@pytest.fixture
def serve():
    """An authority at an address of this machine; `answer` makes its status and body of the request's."""
    servers = []

    def start(answer):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                assert self.headers["Content-Type"] == "application/timestamp-query"
                status, body = answer(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "http://127.0.0.1:9/")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/tsr"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def test_by_files(scanned, authority, trust, tmp_path, capsys):
    assert cli.run(["verify", "ledger", "--trust", trust]) == 3
    assert cli.run(["timestamp", "request", "ledger", "-o", "x.tsq"]) == 0
    (tmp_path / "x.tsr").write_bytes(authority.answer((tmp_path / "x.tsq").read_bytes()))
    assert cli.run(["timestamp", "attach", "ledger", "x.tsr", "--request", "x.tsq"]) == 0
    assert "checkpoints/1.tsr: CN=tsa saw checkpoint 1 at " in capsys.readouterr().out
    assert cli.run(["verify", "ledger", "--trust", trust]) == 0
    assert "(Clock Ltd)" in capsys.readouterr().out
    assert cli.run(["timestamp", "attach", "ledger", "x.tsr"]) == 2
    assert "there already" in capsys.readouterr().err


def test_from_an_address(scanned, authority, trust, serve, capsys):
    address = serve(lambda query: (200, authority.answer(query)))
    assert cli.run(["timestamp", "ledger", "--tsa", address, "--tsa", address, "--digest", "sha512"]) == 0
    assert sorted(path.name for path in scanned.glob("checkpoints/*.tsr")) == ["1.2.tsr", "1.tsr"]
    assert cli.run(["verify", "ledger", "--trust", trust]) == 0


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((500, b""), "500"),
        ((302, b""), "302"),
        ((200, b"x" * (timestamps.LIMIT + 1)), "more than"),
    ],
)
def test_an_authority_that_fails(serve, answer, said):
    with pytest.raises(InputError, match=said):
        timestamp_client.send(serve(lambda _: answer), b"")


@pytest.mark.parametrize("body", [b"", b"<html>", b"\x30\x05\x30\x03\x02\x01\x02"])
def test_an_answer_that_is_none_is_not_kept(scanned, serve, body, capsys):
    assert cli.run(["timestamp", "ledger", "--tsa", serve(lambda _: (200, body))]) == 4
    assert capsys.readouterr().err.startswith("provenance: ")
    assert not list(scanned.glob("checkpoints/*.tsr"))


def test_an_answer_to_another_request_is_not_kept(scanned, authority, serve, capsys):
    old = authority.answer(timestamp_client.make_request((scanned / layout.note_path(1)).read_bytes()))
    assert cli.run(["timestamp", "ledger", "--tsa", serve(lambda _: (200, old))]) == 4
    assert "nonce" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["request", "ledger", "-o", "x.tsq"], ["ledger", "--tsa", "http://127.0.0.1:9/"]])
def test_without_the_extra_one_sentence_names_it(scanned, tmp_path, monkeypatch, words, capsys):
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    assert cli.run(["timestamp", *words]) == 4
    said = capsys.readouterr().err
    assert said.startswith("provenance: to ask for timestamps, install the extra: pip install")
    assert "provenance-auditor[timestamp]" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "x.tsq").exists()


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://127.0.0.1/", "tsa.example"])
def test_only_http_is_asked(address):
    with pytest.raises(ConfigError):
        timestamp_client.send(address, b"")


def test_nobody_there():
    with pytest.raises(InputError, match="cannot be asked"):
        timestamp_client.send("http://127.0.0.1:9/", b"")


def test_renewal(scanned, authority, trust, tmp_path, capsys):
    def stamp():
        assert cli.run(["timestamp", "request", "ledger", "-o", "x.tsq", "--force"]) == 0
        (tmp_path / "x.tsr").write_bytes(authority.answer((tmp_path / "x.tsq").read_bytes()))
        assert cli.run(["timestamp", "attach", "ledger", "x.tsr"]) == 0

    stamp()
    assert cli.run(["renew", "ledger", "--files"]) == 0
    assert re.search(r"lists 1 checkpoint, 0 cosignatures, [1-9][0-9]+ files, 1 timestamp[.]", capsys.readouterr().out)
    assert cli.run(["verify", "ledger", "--trust", trust]) == 3
    stamp()
    assert cli.run(["verify", "ledger", "--trust", trust]) == 0
    assert "ok: renewals: 1 list" in capsys.readouterr().out
    assert cli.run(["renew", "nowhere"]) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["timestamp", "ledger"],
        ["timestamp", "request", "nowhere", "-o", "x"],
        ["timestamp", "request", "ledger", "-o", "x", "--size", "7"],
        ["timestamp", "attach", "ledger", "nothing.tsr"],
    ],
)
def test_a_wrong_call_says_so(scanned, arguments, capsys):
    assert cli.run(arguments) in {2, 4}
    assert capsys.readouterr().err
