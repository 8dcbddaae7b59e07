"""What a Croissant description must keep, checked one by one: the first rule that is broken makes the sentence.

Source: MLCommons, Croissant Format Specification 1.0 and 1.1, Dataset, FileObject, FileSet, RecordSet and Field.
"""

from __future__ import annotations

import re
from typing import Any

from provenance.errors import ManifestError
from provenance.readers.manifests.json_ld import as_list, texts, types

RESPONSIBLE = (
    "dataCollection", "dataCollectionType", "dataCollectionMissingData", "dataCollectionRawData",
    "dataCollectionTimeframe", "dataPreprocessingProtocol", "dataImputationProtocol", "dataManipulationProtocol",
    "dataAnnotationProtocol", "dataAnnotationPlatform", "dataAnnotationAnalysis", "annotationsPerItem",
    "annotatorDemographics", "machineAnnotationTools", "dataReleaseMaintenancePlan", "personalSensitiveInformation",
    "dataSocialImpact", "dataBiases", "dataLimitations", "dataUseCases",
)  # fmt: skip
"""Properties of Croissant RAI 1.0."""


def check(path: str, dataset: dict[str, Any]) -> None:
    """Hold a data set to the format.

    Args:
        path: the manifest's path, for the message.
        dataset: with plain names, from `json_ld.with_plain_names`.

    Raises:
        ManifestError: a rule is broken; the message names it and where. What is only recommended may be missing, and a
            licence as well: that nobody states one is for the audit to say.
    """
    if not texts(dataset.get("name"), "", ("@value", "en", "name")):
        raise ManifestError(f"{path}: at /name, the data set has no name")
    files, records = as_list(dataset.get("distribution")), as_list(dataset.get("recordSet"))
    known = {name for node in (*files, *records) for name in names(node)}
    for record in records:
        inner = [each for each in as_list(record.get("field")) if isinstance(each, dict)] if names(record) else []
        for field in (*inner, *(sub for each in inner for sub in as_list(each.get("subField")))):
            known |= {f"{outer}/{name}" for outer in names(record) for name in names(field)} | set(names(field))
    for i, node in enumerate(files):
        _fail(path, f"/distribution/{i}", _file(node, known))
    for i, node in enumerate(records):
        _record(path, f"/recordSet/{i}", node, known, {name for each in files for name in names(each)})


def names(node: Any) -> list[str]:
    """Return the names by which a node is referred to: its id, and (version 0.8) its name."""
    members = node if isinstance(node, dict) else {}
    return [members[key] for key in ("@id", "name") if isinstance(members.get(key), str)]


def references(value: Any) -> list[str]:
    """Return the names that a value refers to: ids, or (version 0.8) `#{name}` and names."""
    found = []
    for each in as_list(value):
        name = each.get("@id") if isinstance(each, dict) else each
        if isinstance(name, str):
            found.append(re.sub(r"^#\{(.*)\}$", r"\1", name))
    return found


def _fail(path: str, pointer: str, fault: str | None) -> None:
    if fault is not None:
        raise ManifestError(f"{path}: at {pointer}, {fault}")


def _node(node: Any, allowed: tuple[str, ...]) -> str | None:
    """Say what is wrong with a node of any kind."""
    kind = " or ".join(allowed)
    if not isinstance(node, dict):
        return f"there is no {kind}"
    if not set(types(node)) & set(allowed):
        return f"the type is {', '.join(types(node)) or 'missing'}; it must be {kind}"
    if not names(node) and not _texts_only(node.get("name")):
        return f"the {kind} has no name"
    if any(re.search(r"\s", name) for name in [node.get("@id")] if isinstance(name, str)):
        return f"the id {node['@id'][:100]!r} holds white space"
    for key in ("name", "description"):
        if node.get(key) is not None and not _texts_only(node[key]):
            return f"the {key} is not a text"
    return None


def _texts_only(value: Any) -> bool:
    """Tell a text, in one or several languages, from what is none."""
    if isinstance(value, dict):
        return bool(value) and all(isinstance(each, str) for each in value.values())
    return isinstance(value, str) or (isinstance(value, list) and bool(value) and all(map(_texts_only, value)))


def _file(node: Any, known: set[str]) -> str | None:
    fault = _node(node, ("FileObject", "FileSet"))
    if fault is not None:
        return fault
    kind, key = ("FileSet", "includes") if "FileSet" in types(node) else ("FileObject", "contentUrl")
    if not texts(node.get("encodingFormat"), ""):
        return f"the {kind} has no encodingFormat"
    if not texts(node.get(key), ""):
        return f"the {kind} has no {key}"
    missing = [name for name in references(node.get("containedIn")) if name not in known]
    return f"containedIn names {missing[0][:100]!r}, which does not exist" if missing else None


def _record(path: str, pointer: str, record: Any, known: set[str], files: set[str]) -> None:
    _fail(path, pointer, _node(record, ("RecordSet",)))
    fields = as_list(record.get("field"))
    for i, field in enumerate(fields):
        at = f"{pointer}/field/{i}"
        _fail(path, at, _node(field, ("Field",)))
        _fail(path, at, _field(field, record, known))
    used = {name for field in fields for name in _origins(field.get("source")) if name in files}
    if len(used) > 1 and not any(field.get("references") for field in fields):
        _fail(path, pointer, f"fields come from {' and '.join(sorted(used))[:200]} without a join (references)")


def _origins(source: Any) -> list[str]:
    """Return the names of what a field is read from."""
    if isinstance(source, str):
        return references(source)
    members = source if isinstance(source, dict) else {}
    keys = ("fileObject", "fileSet", "distribution", "recordSet", "field", "@id")
    return [name for key in keys for name in references(members.get(key))]


def _field(field: dict[str, Any], record: dict[str, Any], known: set[str]) -> str | None:
    given = record.get("data") is not None or any(
        field.get(key) is not None for key in ("value", "subField", "references")
    )
    origins = _origins(field.get("source"))
    if not origins and not given:
        return "the field says neither its source nor its value"
    missing = [name for name in origins if name not in known and name.split("/", 1)[0] not in known]
    if missing:
        return f"the source names {missing[0][:100]!r}, which does not exist"
    source = field.get("source")
    inherited = isinstance(source, dict) and source.get("field") is not None  # its type is that of the field it copies
    if not inherited and not any(field.get(key) for key in ("dataType", "references", "subField", "parentField")):
        return "the field has no dataType of Croissant's vocabulary"
    return _shape(field)


def _shape(field: dict[str, Any]) -> str | None:
    """Say what is wrong with an array's shape (1.1)."""
    shape = field.get("arrayShape")
    if shape is None:
        return None
    if field.get("isArray") is not True:
        return "the field has an arrayShape, but is no array (isArray)"
    if not re.fullmatch(r"\(?\s*-?\d+(?:\s*,\s*-?\d+)*\s*,?\s*\)?", str(shape)):
        return f"the arrayShape {str(shape)[:100]!r} is no list of whole numbers"
    return None
