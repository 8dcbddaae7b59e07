import os
import pickle
from pathlib import Path

import pytest

from provenance.core import kernel_cache
from provenance.core.scratch import scratch_folders


@pytest.fixture(autouse=True)
def _without_a_folder_of_this_run(monkeypatch):
    """What a test makes up here, no later test is told."""
    monkeypatch.setattr(kernel_cache, "_of_this_run", [])


@pytest.mark.parametrize(
    ("code", "cache", "chosen"),
    [(True, False, None), (False, True, None), (False, False, "provenance-kernels-")],
)
def test_kernels_find_a_place(tmp_path, monkeypatch, code, cache, chosen):
    home = Path(kernel_cache.__file__).parents[1]
    monkeypatch.delenv(kernel_cache.CACHE_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if not cache:
        (tmp_path / "cache").write_text("a file where the folder should be")
    writable = kernel_cache._is_writable
    monkeypatch.setattr(kernel_cache, "_is_writable", lambda path: code if path == home else writable(path))
    kernel_cache.choose_cache_folder()
    found = os.environ.get(kernel_cache.CACHE_VARIABLE)
    assert (found is None) == (chosen is None)
    if found is not None:
        assert Path(found).name.startswith(chosen)
        assert Path(found).stat().st_mode & 0o077 == 0
        scratch_folders.remove_folder(Path(found))


def test_a_place_that_somebody_chose_is_kept_if_it_can_be_written_to(tmp_path, monkeypatch):
    monkeypatch.setenv(kernel_cache.CACHE_VARIABLE, str(tmp_path / "chosen"))
    kernel_cache.choose_cache_folder()
    assert os.environ[kernel_cache.CACHE_VARIABLE] == str(tmp_path / "chosen")
    (tmp_path / "file").touch()
    monkeypatch.setenv(kernel_cache.CACHE_VARIABLE, str(tmp_path / "file"))
    kernel_cache.choose_cache_folder()
    found = Path(os.environ[kernel_cache.CACHE_VARIABLE])
    assert found.name.startswith("provenance-kernels-")
    scratch_folders.remove_folder(found)


def test_a_run_that_keeps_no_kernels_says_so_and_how_to_keep_them(tmp_path, monkeypatch):
    monkeypatch.setenv(kernel_cache.CACHE_VARIABLE, str(tmp_path / "chosen"))
    kernel_cache.choose_cache_folder()
    assert kernel_cache.explain_compiling() is None
    (tmp_path / "file").touch()
    monkeypatch.setenv(kernel_cache.CACHE_VARIABLE, str(tmp_path / "file"))
    kernel_cache.choose_cache_folder()
    assert "compiled again in each run" in kernel_cache.explain_compiling()
    assert kernel_cache.explain_compiling().endswith("name one with NUMBA_CACHE_DIR=FOLDER")
    scratch_folders.remove_folder(Path(os.environ[kernel_cache.CACHE_VARIABLE]))


def test_without_a_home_there_is_no_cache_of_the_user(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert kernel_cache._user_cache() is None


def test_without_any_place_one_sentence_says_so():
    assert "NUMBA_CACHE_DIR=FOLDER" in kernel_cache.explain_missing_cache(
        RuntimeError("cannot cache function: no locator available")
    )
    assert kernel_cache.explain_missing_cache(RuntimeError("another")) is None


def test_indexes_that_name_what_is_no_more_are_removed(monkeypatch, tmp_path):
    monkeypatch.setenv(kernel_cache.CACHE_VARIABLE, str(tmp_path))
    folder = kernel_cache.numba_folder("similarity/text")
    folder.mkdir(parents=True)
    version, gone = pickle.dumps("1.0"), b"cprovenance.errors\nNoSuchName\n."
    indexes = {
        "shingles.cut-1.py311.nbi": version + pickle.dumps(("stamp", {})),
        "shingles.hash-2.py311.nbi": version + gone,
        "shingles.sort-3.py311.nbi": b"cut sho",
        "others.cut-1.py311.nbi": version + gone,
    }
    for name, data in indexes.items():
        (folder / name).write_bytes(data)
    assert kernel_cache.drop_unreadable_indexes() == 2
    left = ["others.cut-1.py311.nbi", "shingles.cut-1.py311.nbi"]  # what is not ours is left alone
    assert sorted(path.name for path in folder.iterdir()) == left
