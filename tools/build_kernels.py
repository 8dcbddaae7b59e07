"""Compile the kernels that a wheel for Linux on x86-64 ships: provenance/data/kernels.tar.xz. By hand, before `pip wheel .`.

Needs the locked numba (uv.lock) and about a minute; the archive is of this Python, this numba and these sources alone,
and is not kept in git: `python tools/build_kernels.py [TARGET]`.
"""

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from provenance.core import kernel_cache
from provenance.core.processes import shipped_kernels

PACKAGE = Path(kernel_cache.__file__).parents[1]
COMMANDS = (["demo", "demo"], ["verify", "demo/ledger", "--data", "demo/data"])
"""What is run: whatever these compile ships."""


def compile_kernels(cache, settings):
    with tempfile.TemporaryDirectory() as folder:
        for command in COMMANDS:
            subprocess.run(
                [sys.executable, "-m", "provenance", *command],
                cwd=folder,
                env=os.environ | settings | {"NUMBA_CACHE_DIR": str(cache), "PROVENANCE_CONFIG": f"{folder}/config"},
                stdout=subprocess.DEVNULL,
                check=True,
            )


def pack(cache, target):
    """Pack what numba left in `cache`; of each kernel the code first, for its index must not be seen without it."""
    os.environ["NUMBA_CACHE_DIR"] = str(cache)
    rooms = {path.parent.relative_to(PACKAGE).as_posix() for path in kernel_cache.list_sources()}
    with tarfile.open(target, "w:xz") as archive:
        add(archive, shipped_kernels.STAMP, json.dumps(shipped_kernels.make_stamp()).encode())
        for ending in (".nbc", ".nbi"):
            for room in sorted(rooms):
                for path in sorted(kernel_cache.numba_folder(room).glob(f"*{ending}")):
                    add(archive, f"{room}/{path.name}", path.read_bytes())
        return len([name for name in archive.getnames() if name.endswith(".nbc")])


def add(archive, name, data):
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def main():
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else shipped_kernels.ARCHIVE
    target.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as cache:
        compile_kernels(cache, shipped_kernels.SETTINGS)
        count = pack(cache, target)
    print(f"{target}: {count} kernels, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
