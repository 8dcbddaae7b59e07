"""The rules of the house, asserted: what is listed is on disk, what is public is documented, what is said is so."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import provenance
from provenance import checks, profiles
from provenance.core import engines, model, schemas
from provenance.core.tables import evidence_schemas

HOME = Path(provenance.__file__).parent
HEADINGS = ["Why", "Source", "Reads", "Yields", "Units", "Silent when", "Flagged", "Clean"]
TABLES = {
    name: value
    for module in (schemas, evidence_schemas)
    for name, value in vars(module).items()
    if name.isupper() and hasattr(value, "metadata")
}
UNTOLD = {"read_lines"}  # public to their own room alone, which says it once
SETTINGS = {"holders", "indexes", "originals", "purpose", "minimum", "sizes"}


def on_disk(room, ending=".py"):
    return {path.stem.replace("_", "-") for path in (HOME / room).glob(f"*{ending}") if path.stem != "__init__"}


def test_checks_are_those_on_disk():
    assert set(checks.CHECKS) == on_disk("checks")
    assert len(checks.CHECKS) == len(set(checks.CHECKS))


def test_every_profile_has_a_place_of_its_own():
    assert profiles.names()[0] == "baseline"
    assert len({profiles.load(name).order for name in profiles.names()} - {profiles.LAST}) == len(profiles.names())


def test_engines_are_those_on_disk():
    assert set(engines.ENGINES) == on_disk("core/engines")


@pytest.mark.parametrize("check", checks.CHECKS)
def test_a_checks_documentation_has_its_headings_in_order(check):
    first, blank, *rest = checks.explain(check).splitlines()
    assert first.endswith(".")
    assert blank == ""
    found = [line.split(":")[0] for line in rest if line and not line.startswith(" ")]
    assert found == HEADINGS
    values = [line.split(":", 1)[1] for line in rest if line and not line.startswith(" ")]
    assert all(value.strip() and len(value) - len(value.lstrip()) >= 1 for value in values)


@pytest.mark.parametrize("check", checks.CHECKS)
def test_a_check_reads_tables_that_exist_and_yields_its_own_name(check):
    assert set(checks.list_inputs(check)) <= {name.lower() for name in TABLES} | SETTINGS
    source = inspect.getsource(checks.load_check(check))
    assert f'check="{check}"' in source
    assert "LIMITS" in source


@pytest.mark.parametrize("check", checks.CHECKS)
def test_a_check_holds_no_threshold(check):
    """Numbers that judge live in profiles: a check compares with nothing but 0, 1, and 2 of a kind."""
    tree = ast.parse(inspect.getsource(checks.load_check(check)))
    compared = {
        side.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        for side in (node.left, *node.comparators)
        if isinstance(side, ast.Constant) and isinstance(side.value, int | float)
    }
    assert compared <= {0, 1, 2}


@pytest.mark.parametrize("name", TABLES)
def test_every_field_says_what_it_means(name):
    schema = TABLES[name]
    assert schema.metadata[b"table"].decode() == name
    assert schema.metadata[b"grain"]
    for field in schema:
        assert field.metadata[b"doc"], field.name
    counted = [
        field for field in schema if field.name.startswith(("bytes", "records", "tokens")) and field.type == "int64"
    ]
    assert all(field.metadata.get(b"unit") for field in counted)


def test_the_sealed_tables_are_those_of_the_contract():
    assert list(schemas.SEALED) == [
        "sources",
        "files",
        "claims",
        "matches",
        "overlaps",
        "sketches",
        "observations",
        "references",
        "findings",
        "coverage",
        "verdicts",
    ]
    assert all(schemas.SEALED[name] is TABLES[name.upper()] for name in schemas.SEALED)
    assert list(schemas.OPTIONAL) == ["contacts"]
    assert schemas.OPTIONAL["contacts"] is schemas.CONTACTS


CONTRACT = {
    "findings": "fingerprint check severity source other path row value unit records clause message",
    "overlaps": "view source_a path_a source_b path_b records_a records_b exact near near_distinctive contained_ab contained_ba",
    "matches": "view source_a path_a row_a source_b path_b row_b jaccard shared distinct_a distinct_b method",
    "sources": "source name kind licence_declared licence_concluded evidence records bytes tokens acquired revision country languages modality parent",
    "files": "path source role format bytes bytes_consumed bytes_skipped skip_reason records records_unreadable sha256 sha256_claimed",
    "coverage": "check status reason records_seen records_unreadable",
    "claims": "manifest subject field value scope witness pointer digest date",
}


@pytest.mark.parametrize("name", CONTRACT)
def test_columns_that_tools_rely_on(name):
    assert set(CONTRACT[name].split()) <= set(schemas.SEALED[name].names)


def test_the_public_api_is_sorted_and_there():
    assert provenance.__all__ == sorted(provenance.__all__)
    assert set(dir(provenance)) == {*provenance.__all__, "__version__"}
    for name in provenance.__all__:
        assert getattr(provenance, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        provenance.nothing  # noqa: B018 - the access is the test


def test_importing_the_package_is_quick():
    heavy = "{'numba', 'pandas', 'pyarrow', 'jsonschema'} & set(sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, provenance; print({heavy})"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


def modules():
    for path in sorted(HOME.rglob("*.py")):
        if "__pycache__" not in path.parts:
            yield path


@pytest.mark.parametrize("path", list(modules()), ids=lambda path: path.relative_to(HOME).as_posix())
def test_what_is_public_is_documented(path):
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree), "the file says what it is"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            said = ast.get_docstring(node)
            assert said, node.name
            assert said.splitlines()[0].endswith((".", ":")), node.name
        # what is decorated is a kernel, or a command that says its options itself
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and not node.decorator_list:
            named = [arg.arg for arg in (*node.args.args, *node.args.kwonlyargs)]
            said = ast.get_docstring(node) or ""
            assert len(named) < 2 or node.name in UNTOLD or all(f"{name}:" in said for name in named), (
                node.name,
                named,
            )


@pytest.mark.parametrize("path", list(modules()), ids=lambda path: path.relative_to(HOME).as_posix())
def test_names_are_nouns_of_the_house(path):
    assert path.stem not in {"utils", "util", "base", "manager", "helper", "helpers", "common", "misc"}
    assert not path.stem.startswith("license")
    noqa = [line for line in path.read_text("utf-8").splitlines() if "# noqa" in line]
    assert all(" - " in line for line in noqa), noqa


def test_words_of_the_model_are_those_of_the_schemas():
    assert TABLES["FINDINGS"].field("severity").metadata[b"doc"].decode().startswith(" | ".join(model.SEVERITIES))
    assert TABLES["COVERAGE"].field("status").metadata[b"doc"].decode() == " | ".join(model.STATUSES)
    assert import_module("provenance.licences.terms").STRICTNESS[0] == "no"
