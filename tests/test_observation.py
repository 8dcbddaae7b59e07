import io
import zipfile

import pytest

import provenance as pv
from provenance.observation import role


@pytest.mark.parametrize(
    ("path", "outer", "expected"),
    [
        ("a.txt", "data", "data"),
        ("LICENSE", "licence", "licence"),
        ("a.zip!/LICENSE", "data", "licence"),
        ("a.zip!/x/DATA_LICENSE.txt", "data", "licence"),
        ("a.zip!/README", "data", "documentation"),
        ("a.zip!/x/readme.md", "data", "documentation"),
        ("a.zip!/provenance.yaml", "data", "manifest"),
        ("a.zip!/reader.txt", "data", "data"),
        ("a.zip!/text.txt", "ignored", "ignored"),
    ],
)
def test_a_licence_or_document_inside_an_archive_is_not_data(path, outer, expected):
    assert role(path, outer) == expected


def test_two_archives_that_share_a_licence_have_not_copied_each_other(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "README.md").write_text(f"# {name}\n\nLicense: {'MIT' if name == 'a' else 'CC BY-NC 4.0'}\n")
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as archive:
            archive.writestr("t.txt", f"{name} says something of its own, in one passage of many words\n")
            archive.writestr(
                "LICENSE", "\n\n".join(f"paragraph {k} of a licence text that both share" for k in range(20))
            )
        (tmp_path / name / "x.zip").write_bytes(held.getvalue())
    audit = pv.scan(tmp_path, workers=1, purpose="research")
    assert list(audit.findings["check"]) == []
    assert len(audit.overlaps) == 0
    assert "licence files inside archives" in audit.coverage.set_index("check").loc["manifests", "reason"]
    members = audit.files[audit.files["role"] == "licence"]
    assert (members["bytes_skipped"] == members["bytes"]).all()


def test_a_question_after_a_system_prompt_is_found_inside(tmp_path):
    """The copy's records hold the original's whole, behind a sentence of their own."""
    asked = [f"why does harbour number {k} need a lamp of {k + 7} candles in winter" for k in range(6)]
    for name, before in (("a", ""), ("b", "answer as a keeper of lighthouses would who has seen every sea ")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "README.md").write_text(f"# {name}\n\nLicense: MIT\n")
        (tmp_path / name / "x.txt").write_text("\n\n".join(before + each for each in asked))
    audit = pv.scan(tmp_path, workers=1)
    rows = audit.overlaps.set_index(["view", "source_a", "source_b"])
    rows = rows[rows["path_a"].isna()]
    assert rows.loc[("whole", "a", "b"), ["near", "contained_ab", "contained_ba"]].tolist() == [0, 6, 0]
    assert rows.loc[("whole", "b", "a"), ["near", "contained_ab", "contained_ba"]].tolist() == [0, 0, 6]
    matches = audit.matches[audit.matches["path_a"] == "a/x.txt"]
    assert list(matches["method"]) == ["contained"] * 6
    assert list(matches["row_a"]) == list(matches["row_b"]) == list(range(6))
    assert list(audit.findings["check"]) == []
