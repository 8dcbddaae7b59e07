import os
from pathlib import Path

import pytest

from provenance import kernels, scratch


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
    writable = kernels._writable
    monkeypatch.setattr(kernels, "_writable", lambda path: code if path == home else writable(path))
    kernels.settle()
    found = os.environ.get(kernels.VARIABLE)
    assert (found is None) == (chosen is None)
    if found is not None:
        assert Path(found).name.startswith(chosen)
        assert Path(found).stat().st_mode & 0o077 == 0
        scratch.remove(Path(found))


def test_a_place_that_somebody_chose_is_kept_if_it_can_be_written_to(tmp_path, monkeypatch):
    monkeypatch.setenv(kernels.VARIABLE, str(tmp_path / "chosen"))
    kernels.settle()
    assert os.environ[kernels.VARIABLE] == str(tmp_path / "chosen")
    (tmp_path / "file").touch()
    monkeypatch.setenv(kernels.VARIABLE, str(tmp_path / "file"))
    kernels.settle()
    found = Path(os.environ[kernels.VARIABLE])
    assert found.name.startswith("provenance-kernels-")
    scratch.remove(found)


def test_without_a_home_there_is_no_cache_of_the_user(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert kernels._user_cache() is None


def test_without_any_place_one_sentence_says_so():
    assert "NUMBA_CACHE_DIR=FOLDER" in kernels.homeless(RuntimeError("cannot cache function: no locator available"))
    assert kernels.homeless(RuntimeError("another")) is None
