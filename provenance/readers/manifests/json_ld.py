"""JSON-LD as Croissant is written in it: prefixed, full or aliased names become plain ones, nothing is fetched.

Source: W3C JSON-LD 1.1, 3.2 (IRIs) and 4.1.4 (aliases); no remote context is read; names are compared by their end.
"""

from __future__ import annotations

from typing import Any

from provenance.readers.manifests.yaml_documents import escape

TEXTS = ("@value", "url", "@id", "name")
"""Keys of an object that may hold its text, the first that does counts."""


def with_plain_names(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document with plain names: `sc:license`, `https://schema.org/license` and aliases are `license`.

    Args:
        document: a JSON-LD object.

    Returns:
        The same; what two names become one for is a list. A name that the document's own context gives to another
        vocabulary than Croissant's keeps it in front of it: `schema.org source`.
    """
    terms = _terms(document.get("@context"))
    return {name: _plain(value, terms) for name, value in _renamed(document, terms).items() if name != "@context"}


def local(name: str) -> str:
    """Return the last part of a name: `Dataset` of `sc:Dataset` and of `https://schema.org/Dataset`."""
    return name.rstrip("/").rsplit("/", 1)[-1].rsplit("#", 1)[-1].rsplit(":", 1)[-1]


def types(node: Any) -> list[str]:
    """Return the plain types of a node."""
    stated = node.get("@type") if isinstance(node, dict) else None
    return [local(each) for each in as_list(stated) if isinstance(each, str)]


def as_list(value: Any) -> list[Any]:
    """Return a value as a list: JSON-LD writes a list of one without brackets."""
    return [] if value is None else value if isinstance(value, list) else [value]


def texts(value: Any, pointer: str, keys: tuple[str, ...] = TEXTS) -> list[tuple[str, str]]:
    """List the texts of a value with their pointers.

    Args:
        value: a text, number, object, language map or list of them.
        pointer: where it stands.
        keys: of an object, the keys that may hold its text.
    """
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return [(str(value).strip()[:1000], pointer)] if str(value).strip() else []
    if isinstance(value, list):
        return [each for i, item in enumerate(value[:1000]) for each in texts(item, f"{pointer}/{i}", keys)]
    if isinstance(value, dict):
        for key in keys:
            found = texts(value.get(key), f"{pointer}/{escape(key)}", keys) if not _blank(value.get(key)) else []
            if found:
                return found
    return []


def _blank(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("_:")


_OWN = {"recordSet", "field", "source", "dataType"}
"""Names without which a Croissant describes no records: they count only as names of Croissant's vocabulary."""


def _terms(context: Any) -> dict[str, str]:
    """Return what the context's own names stand for; of a context that is an address nothing is known."""
    context_terms: dict[str, Any] = {}
    for part in as_list(context):
        context_terms |= part if isinstance(part, dict) else {}
    # a context that names Croissant's vocabulary, and none that is fetched, names all of it that it uses
    alone = bool(context_terms) and all(isinstance(part, dict) for part in as_list(context))
    terms = {}
    for name, value in context_terms.items():
        iri = value.get("@id") if isinstance(value, dict) else value
        if isinstance(iri, str) and not name.startswith("@") and not iri.endswith(("/", "#")) and local(iri):
            terms[name] = local(iri)
    if alone and "@vocab" in context_terms:
        terms |= {name: f"schema.org {name}" for name in _OWN if name not in terms}
    return terms


def _renamed(node: dict[str, Any], terms: dict[str, str]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for key, value in node.items():
        name = key if key.startswith("@") else terms.get(key) or local(key)
        named[name] = [*as_list(named[name]), *as_list(value)] if name in named else value
    return named


def _plain(value: Any, terms: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_plain(each, terms) for each in value]
    if isinstance(value, dict):
        # under `data` stand rows, whose names are nobody's vocabulary
        return {name: each if name == "data" else _plain(each, terms) for name, each in _renamed(value, terms).items()}
    return value
