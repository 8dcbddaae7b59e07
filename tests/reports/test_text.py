import pyarrow as pa
import pytest

import provenance as pv
from provenance.reports import text


@pytest.fixture
def scanned(tmp_path):
    folder = tmp_path / "evil\x1b[31m\nname"
    folder.mkdir()
    (folder / "x.jsonl").write_text('{"text": "one two three"}\n')
    (folder / "z.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    return pv.scan(tmp_path, workers=1)


def test_what_was_not_scanned_comes_before_what_was_found(scanned):
    shown = text.render(scanned.tables, scanned.facts).decode()
    assert shown.index("Not scanned") < shown.index("png") < shown.index("Findings:")


@pytest.mark.parametrize("colour", [False, True])
def test_names_cannot_steer_the_terminal(scanned, colour):
    shown = text.render(scanned.tables, scanned.facts, colour=colour).decode()
    assert "\x1b[31m" not in shown.replace("\x1b[1;31m", "")
    assert "evil" in shown
    assert colour or "\x1b" not in shown


def test_markup_in_names_is_text():
    assert text.make_printable("[bold]x[/bold]\u202e") == r"[bold]x[/bold]\u202e"


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_400_000, "1.4 MB"), (10**12, "1.0 TB"), (10**16, "10000.0 TB")],
)
def test_sizes(count, said):
    assert text.format_bytes(count) == said


def test_many_findings_of_one_check_are_counted(scanned):
    rows = scanned.tables["findings"].to_pylist()
    many = pa.Table.from_pylist(rows * 20, schema=scanned.tables["findings"].schema)
    shown = text.render({**scanned.tables, "findings": many}, scanned.facts).decode()
    assert f"and {20 - text.MOST_FINDINGS} more source-undeclared" in shown


@pytest.mark.parametrize("width", [60, 100, 200])
def test_no_line_is_wider_than_asked(scanned, width):
    assert max(map(len, text.render(scanned.tables, scanned.facts, width=width).decode().splitlines())) <= width
