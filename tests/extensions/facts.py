"""A manifest format: `facts.txt`, one statement a line, `licence: MIT`."""

import re

from provenance.core.model import Claim
from provenance.readers.manifests.manifest_format import ManifestFormat
from provenance.readers.manifests.yaml_documents import folder


def read(path, data, format):  # noqa: A002 - the family's signature
    """Read what each line states."""
    scope = folder(path)
    claims = [Claim("source", "of-facts", scope, format, "L1")]
    for number, line in enumerate(data.decode().splitlines(), 1):
        field, _, value = line.partition(": ")
        claims.append(Claim(field, value, scope, format, f"L{number}", "data"))
    return claims


MANIFEST_FORMAT = ManifestFormat(
    "facts", read, names=re.compile(r"facts\.txt"), suffixes=("txt",), inside_archives=True
)
