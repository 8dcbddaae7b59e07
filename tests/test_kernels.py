import os
from pathlib import Path

import pytest

from provenance import kernels


@pytest.mark.parametrize(
    ("code", "cache", "chosen"),
    [(True, False, None), (False, True, None), (False, False, "provenance-kernels-")],
)
def test_kernels_find_a_place(tmp_path, monkeypatch, code, cache, chosen):
    home = Path(kernels.__file__).parent
    monkeypatch.delenv(kernels.VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if not cache:
        (tmp_path / "cache").write_text("a file where the folder should be")
    monkeypatch.setattr(os, "access", lambda path, _mode: code if Path(path) == home else Path(path).is_dir())
    kernels.settle()
    found = os.environ.get(kernels.VARIABLE)
    assert (found is None) == (chosen is None)
    if found is not None:
        assert Path(found).name.startswith(chosen)
        assert Path(found).stat().st_mode & 0o077 == 0
        Path(found).rmdir()


def test_a_place_that_somebody_chose_is_kept(monkeypatch):
    monkeypatch.setenv(kernels.VARIABLE, "/somewhere")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # noqa: ARG005 - os.access's own signature
    kernels.settle()
    assert os.environ[kernels.VARIABLE] == "/somewhere"
