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
