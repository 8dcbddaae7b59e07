"""Data Version Control: files that stand for data which is kept elsewhere. They are recognised; nobody reads them yet.

Source: dvc.org, User Guide, `.dvc` files, `dvc.yaml` and `dvc.lock`.
"""

from __future__ import annotations

import re

from provenance.readers.manifests.manifest_format import ManifestFormat

_SMALL = 1024  # bytes of what its name alone may call such a file
_KEYS = re.compile(
    rb"^(?:outs|deps|stages|vars|params|plots|metrics|artifacts|schema|md5|wdir|frozen)\s*:", re.MULTILINE
)

MANIFEST_FORMAT = ManifestFormat(
    "dvc",
    names=re.compile(r".+\.dvc|dvc\.(?:yaml|lock)", re.IGNORECASE),
    suffixes=("yaml",),
    contradicts=lambda head, size: size > _SMALL and not _KEYS.search(head),
)
