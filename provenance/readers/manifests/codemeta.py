"""CodeMeta: software, or a data set, described in JSON-LD.

Source: CodeMeta 2.0 and 3.0, `license` and `name`.
"""

from __future__ import annotations

import re

from provenance.core.model import Claim
from provenance.errors import ManifestError
from provenance.readers.manifests.json_ld import as_list, texts, types, with_plain_names
from provenance.readers.manifests.licence_names import choose_names
from provenance.readers.manifests.manifest_format import ManifestFormat
from provenance.readers.manifests.unread_licences import read_unread
from provenance.readers.manifests.yaml_documents import folder, load_json


def read(path: str, data: bytes, format: str) -> list[Claim]:  # noqa: A002 - the family's signature
    """Read a description by CodeMeta.

    Args:
        path: the manifest's path.
        data: its bytes.
        format: "codemeta".

    Returns:
        Claims `source-weak`, `name` and `licence`, of its folder; of the data where its type is `Dataset`, of the code
        where it is software.

    Raises:
        ManifestError: it is not JSON, or no object.
    """
    document = load_json(path, data)
    if not isinstance(document, dict):
        raise ManifestError(f"{path} is not a JSON object")
    plain = with_plain_names(document)
    kinds = types(plain)
    subject = "data" if "Dataset" in kinds else "code" if any(each.startswith("Software") for each in kinds) else "any"
    scope = folder(path)
    claims = [Claim("source-weak", scope.removesuffix("/"), scope, format, "/")]
    claims += [Claim("name", value, scope, format, at, subject) for value, at in texts(plain.get("name"), "/name")]
    for i, value in enumerate(as_list(plain.get("license"))):
        at = f"/license/{i}" if isinstance(plain.get("license"), list) else "/license"
        written = [each for key in ("@value", "url", "@id", "name") for each in texts(value, at, (key,))]
        claims += [
            Claim("licence", name, scope, format, place, subject)
            for name, place in choose_names([*dict(written).items()])
        ]
    return claims


MANIFEST_FORMAT = ManifestFormat(
    "codemeta", read, names=re.compile(r"codemeta\.json", re.IGNORECASE), read_unread=read_unread
)
