"""Kernels that ship are used where they are for this very program, Python, numba and kind of processor, else not at all."""

import importlib.util
import json
import lzma
import os
import subprocess
import sys
import tarfile
import textwrap
from pathlib import Path

import pytest

from provenance.core import kernel_cache
from provenance.core.processes import shipped_kernels

ROOT = Path(__file__).parents[3]
V3 = shipped_kernels._FLAGS


@pytest.fixture
def tool():
    spec = importlib.util.spec_from_file_location("build_kernels", ROOT / "tools" / "build_kernels.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def archive(tmp_path, monkeypatch, tool):
    """An archive of no kernel that numba would load, for here; this process has imported numba, which is hidden."""
    for name in shipped_kernels.SETTINGS:
        monkeypatch.setenv(name, "x")  # so that both are as before afterwards
        monkeypatch.delenv(name)
    monkeypatch.setenv(kernel_cache.CACHE_VARIABLE, str(tmp_path / "kernels"))
    monkeypatch.setattr(shipped_kernels, "ARCHIVE", tmp_path / "kernels.tar.xz")
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    monkeypatch.setattr(kernel_cache, "read_processor_flags", lambda: V3)

    def write(**other):
        with tarfile.open(tmp_path / "kernels.tar.xz", "w:xz") as made:
            tool.add(made, shipped_kernels.STAMP, json.dumps(shipped_kernels.make_stamp() | other).encode())
            tool.add(made, "similarity/text/shingles.xxh64-1.py311.1.nbc", b"code")
            tool.add(made, "similarity/text/shingles.xxh64-1.py311.nbi", b"index")

    write()
    return write


def used():
    return {name: os.environ.get(name) for name in shipped_kernels.SETTINGS}


def test_they_are_put_where_numba_looks_once(archive, tmp_path):
    assert shipped_kernels.use_shipped_kernels()
    assert used() == shipped_kernels.SETTINGS
    folder = kernel_cache.numba_folder("similarity/text")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "shingles.xxh64-1.py311.1.nbc": b"code",
        "shingles.xxh64-1.py311.nbi": b"index",
    }
    assert kernel_cache.is_prepared()
    (folder / "shingles.xxh64-1.py311.nbi").write_bytes(b"index of more")
    for name in shipped_kernels.SETTINGS:
        del os.environ[name]
    assert shipped_kernels.use_shipped_kernels()
    assert (folder / "shingles.xxh64-1.py311.nbi").read_bytes() == b"index of more"


@pytest.mark.parametrize("other", ["system", "python", "numba", "llvmlite", "processor", "sources"])
def test_a_stamp_of_anything_else_is_left_alone(archive, tmp_path, other):
    archive(**{other: "another"})
    assert not shipped_kernels.use_shipped_kernels()
    assert used() == dict.fromkeys(shipped_kernels.SETTINGS)
    assert not (tmp_path / "kernels").exists()
    assert not kernel_cache.is_prepared()


@pytest.mark.parametrize("flag", sorted(V3))
def test_a_processor_that_lacks_anything_compiles(archive, monkeypatch, flag):
    monkeypatch.setattr(kernel_cache, "read_processor_flags", lambda: V3 - {flag})
    assert not shipped_kernels.use_shipped_kernels()
    assert used() == dict.fromkeys(shipped_kernels.SETTINGS)


def test_what_somebody_chose_or_began_stays(archive, monkeypatch):
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    assert not shipped_kernels.use_shipped_kernels()
    assert os.environ["NUMBA_CPU_NAME"] == "generic"
    monkeypatch.delenv("NUMBA_CPU_NAME")
    monkeypatch.setitem(sys.modules, "numba", os)
    assert not shipped_kernels.use_shipped_kernels()


@pytest.mark.parametrize(
    "data", [b"", b"\xfd7zXZ\0 no archive", lzma.compress(b"no archive"), lzma.compress(bytes(1024))[:40]]
)
def test_a_broken_archive_is_none(archive, tmp_path, data):
    (tmp_path / "kernels.tar.xz").write_bytes(data)
    assert not shipped_kernels.use_shipped_kernels()
    (tmp_path / "kernels.tar.xz").unlink()
    assert not shipped_kernels.use_shipped_kernels()


CALL = textwrap.dedent("""
    import json, sys
    from pathlib import Path
    from provenance.core.processes import shipped_kernels
    shipped_kernels.ARCHIVE = Path(sys.argv[1])
    used = shipped_kernels.use_shipped_kernels()
    import numba.core.event as event, numpy as np
    compiled = []
    class Compiled(event.Listener):
        def on_start(self, begun):
            compiled.append(begun.data["dispatcher"].py_func.__name__)
        def on_end(self, ended):
            pass
    event.register("numba:compile", Compiled())
    from provenance.similarity.index import siphash
    hashes = siphash.siphash(np.arange(3, dtype=np.uint64), bytes(range(16)))
    print(json.dumps([used, compiled, [int(each) for each in hashes]]))
""")


def call(archive, **environment):
    own = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    done = subprocess.run(
        [sys.executable, "-c", CALL, str(archive)],
        capture_output=True,
        text=True,
        check=True,
        env=own | environment,
    )
    return json.loads(done.stdout)


@pytest.mark.skipif(not kernel_cache.read_processor_flags() >= V3, reason="this processor has no AVX2")
def test_numba_takes_what_was_packed_and_nothing_that_is_stamped_otherwise(tmp_path, tool, monkeypatch):
    own, other = tmp_path / "own", tmp_path / "other"
    _, compiled, hashes = call(tmp_path / "none", NUMBA_CACHE_DIR=str(own), **shipped_kernels.SETTINGS)
    assert "_siphash" in compiled
    monkeypatch.setenv(kernel_cache.CACHE_VARIABLE, str(own))
    assert tool.pack(own, tmp_path / "kernels.tar.xz") >= 1
    assert call(tmp_path / "kernels.tar.xz", NUMBA_CACHE_DIR=str(other)) == [True, [], hashes]
    with tarfile.open(tmp_path / "kernels.tar.xz") as packed, tarfile.open(tmp_path / "stale.tar.xz", "w:xz") as stale:
        for member in packed:
            data = packed.extractfile(member).read()
            other = json.dumps(json.loads(data) | {"sources": ""}).encode() if member.name == "stamp.json" else data
            tool.add(stale, member.name, other)
    used_, compiled, again = call(tmp_path / "stale.tar.xz", NUMBA_CACHE_DIR=str(tmp_path / "third"))
    assert (used_, again) == (False, hashes)
    assert "_siphash" in compiled
