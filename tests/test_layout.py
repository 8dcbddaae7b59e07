"""The floor plan of the house, asserted: what may stand where, how large it may be, and what it may be called.

A list named STILL_... holds what does not keep a rule yet. It only ever gets shorter: an entry that has become needless
fails its test as well.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from fnmatch import fnmatch
from pathlib import Path

import pytest

import provenance
from provenance import checks, detectors, profiles
from provenance.core import engines
from provenance.ledger import exports as ledger_exports
from provenance.readers import manifests, records, storage
from provenance.reports import REPORTS, exports

HOME = Path(provenance.__file__).parent
ROOT = Path(__file__).parents[1]

PACKAGE = {
    "__init__.py", "__main__.py", "errors.py", "py.typed",
    "cli", "pipeline", "attestations", "reports", "ledger", "profiles", "checks", "sources", "detectors", "similarity",
    "readers", "licences", "origins", "core", "data",
}  # fmt: skip
CHECKOUT = {
    ".ci", ".git", ".gitattributes", ".gitignore", ".pre-commit-config.yaml", ".pre-commit-hooks.yaml", "action.yml",
    "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "NOTICE", "README.md", "README.zh.md", "mkdocs.yml", "pyproject.toml",
    "uv.lock", "docs", "manifests", "notebooks", "provenance", "tests", "tools",
}  # fmt: skip

FAMILIES = {
    "checks",
    "cli",
    "readers/manifests",
    "readers/records",
    "ledger/exports",
    "reports/exports",
    "reports/filings",
}
"""Folders in which each file is one of a kind, and which may grow as the kind does."""

MOST_MODULES, MOST_LINES = 20, 500
KERNELS = {"provenance/ledger/proofs/check_proof.py": "auditors read it, and run it, as one file without the package"}
"""Longer files, each with the reason why it, or its kernel, cannot be cut."""

STILL_LONG: set[str] = set()
"""Files to be split by purpose."""

BANNED_MODULES = {
    "acting", "base", "beside", "common", "helper", "helpers", "held", "joining", "look", "manager", "misc", "naming",
    "of", "omission", "plain", "said", "stand", "stored", "telling", "told", "util", "utils", "works",
}  # fmt: skip
BANNED_FUNCTIONS = {
    "acting", "beside", "held", "joining", "look", "naming", "of", "omission", "plain", "said", "stand", "told", "works",
}  # fmt: skip
STILL_BANNED: set[tuple[str, str]] = set()
"""Module and public function that waits for a name which a stranger would guess."""

PARTICIPLES = {
    "added", "asked", "came", "caused", "contained", "counted", "described", "drawn", "ended", "found", "given", "gone",
    "held", "joined", "kept", "left", "limited", "listed", "made", "named", "opened", "said", "sampled", "seen", "shared",
    "shown", "signed", "stated", "stored", "tabled", "taken", "told", "wanted", "written",
}  # fmt: skip
"""What is no name of a function: it says neither what is done nor what comes of it."""

STILL_PARTICIPLES: set[tuple[str, str]] = set()
"""Module and public function that waits for a verb."""

RIDDLES = {"asked", "held", "said", "told"}
"""What is no name of a variable either: it says that something was said, not what it is."""

STILL_UNDERSCORED: set[tuple[str, str]] = set()
"""Module and name of which the underscore at the end stands for a better name."""

MOST_POSITIONAL = 4
"""Arguments that a call may give by position: nobody remembers the order of more."""

STILL_POSITIONAL: set[tuple[str, str]] = set()
"""Module and public function of which some arguments are still to be given by name."""

LARGEST_BARE = 255
"""The largest number that a kernel may use without a name: bytes, characters of ASCII and bits of a word speak for
themselves, and so do powers of two."""

STILL_NUMBERED: set[tuple[str, str]] = set()
"""Module and kernel of which a number waits for a name, and for a comment that says where it is from."""

STILL_SHARED: set[str] = set()
"""Names that two public classes have."""


def python(room="provenance"):
    return [path for path in sorted((ROOT / room).rglob("*.py")) if "__pycache__" not in path.parts]


def shown(path):
    return path.relative_to(ROOT).as_posix()


def module(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PARSED = {module(path): ast.parse(path.read_text("utf-8")) for path in python()}


def public(kind):
    for name, tree in PARSED.items():
        yield from ((name, node.name) for node in tree.body if isinstance(node, kind) and not node.name.startswith("_"))


def test_the_package_holds_its_rooms_and_nothing_else():
    assert {path.name for path in HOME.iterdir() if path.name != "__pycache__"} == PACKAGE


def test_the_checkout_holds_what_a_stranger_expects():
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line and line[0] != "#"]
    found = {path.name for path in ROOT.iterdir()}
    strange = {name for name in found - CHECKOUT if not any(fnmatch(name, pattern) for pattern in ignored)}
    assert not strange


def test_a_folder_holds_few_modules():
    held = defaultdict(set)
    for path in python():
        held[path.parent.relative_to(HOME).as_posix()].add(path.name)
    assert {
        room: len(names)
        for room, names in held.items()
        if room not in FAMILIES and len(names - {"__init__.py"}) > MOST_MODULES
    } == {}
    assert set(held) >= FAMILIES


def test_a_file_can_be_read_in_one_sitting():
    long = {
        shown(path)
        for path in [*python(), *python("tests"), *python("tools")]
        if len(path.read_text("utf-8").splitlines()) > MOST_LINES
    }
    assert long - set(KERNELS) == STILL_LONG
    assert set(KERNELS) <= long


def test_data_is_no_code_and_tools_are_no_library():
    assert not list((HOME / "data").rglob("*.py"))
    assert not [name for name, tree in PARSED.items() for node in ast.walk(tree) if _imports(node) & {"tools", "tests"}]


def _imports(node):
    if isinstance(node, ast.Import):
        return {each.name.split(".")[0] for each in node.names}
    return {(node.module or "").split(".")[0]} if isinstance(node, ast.ImportFrom) else set()


def graph():
    """Every import between modules: at the top, in functions, and for types alone."""
    for name, tree in PARSED.items():
        found = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found |= {each.name for each in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{name}: an import says where it goes"
                whole = {f"{node.module}.{each.name}" for each in node.names}
                found |= {each if each in PARSED else node.module for each in whole}
        yield name, sorted(found & set(PARSED) - {name})


def circles(edges):
    """Tarjan's strongly connected components of more than one module."""
    number, low, stack, found = {}, {}, [], []

    def visit(name):
        number[name] = low[name] = len(number)
        stack.append(name)
        for other in edges[name]:
            if other not in number:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], number[other])
        if low[name] == number[name]:
            at = stack.index(name)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for name in edges:
        if name not in number:
            visit(name)
    return found


def test_no_import_goes_in_a_circle():
    assert circles({"a": ["b"], "b": ["a", "c"], "c": []}) == [["a", "b"]]
    assert circles(dict(graph())) == []


def test_the_layers_are_those_of_the_rooms():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    for contract in contracts:
        if contract["type"] == "layers":
            (container,) = contract["containers"]
            folder = ROOT / container.replace(".", "/")
            rooms = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
            listed = [room.strip() for layer in contract["layers"] for room in layer.split("|")]
            assert sorted(listed) == sorted(rooms - {"__init__"}), container


def test_no_two_public_classes_share_a_name():
    homes = defaultdict(list)
    for name, each in public(ast.ClassDef):
        homes[each].append(name)
    assert {each for each, found in homes.items() if len(found) > 1} == STILL_SHARED


def test_modules_and_functions_are_called_what_a_stranger_would_look_for():
    assert not {name for name in PARSED if set(name.split(".")) & BANNED_MODULES}
    assert {(name, each) for name, each in public(ast.FunctionDef) if each in BANNED_FUNCTIONS} == STILL_BANNED


def underscored(tree):
    """Names at the top of a module, and of imports anywhere, that end in an underscore."""
    for node in tree.body:
        names = [node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else _targets(node)
        yield from (name for name in names if name.endswith("_") and not name.endswith("__"))
    for node in ast.walk(tree):
        if isinstance(node, ast.alias) and (node.asname or "").endswith("_"):
            yield node.asname


def _targets(node):
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [each.id for each in targets if isinstance(each, ast.Name)]


def takes_many(node):
    """Whether more than MOST_POSITIONAL arguments may be given by position; a kernel of numba takes no others."""
    decorators = {ast.unparse(each).split("(")[0] for each in node.decorator_list}
    positional = [each.arg for each in (*node.args.posonlyargs, *node.args.args) if each.arg not in {"self", "cls"}]
    return len(positional) > MOST_POSITIONAL and not decorators & {"njit", "intrinsic"}


def is_kernel(node):
    return isinstance(node, ast.FunctionDef) and any(
        ast.unparse(each).split("(")[0] in {"njit", "intrinsic"} for each in node.decorator_list
    )


def bare_numbers(node):
    """Numbers in the body of a function that only its author understands."""
    for each in (inner for statement in node.body for inner in ast.walk(statement)):
        is_large = isinstance(each, ast.Constant) and type(each.value) is int and each.value > LARGEST_BARE
        if is_large and each.value & (each.value - 1):
            yield each.value


def riddles(tree):
    """Names of arguments and variables that say nothing."""
    for node in ast.walk(tree):
        is_bound = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        name = node.arg if isinstance(node, ast.arg) else node.id if is_bound else None
        if name in RIDDLES:
            yield name


def gives_by_name(module_name):
    """Whether a room's functions are called by name alone: click does so with commands, `checks.find` with tables."""
    return module_name.startswith(("provenance.cli.", "provenance.checks."))


def test_the_rules_of_names_can_fail():
    tree = ast.parse("import a as b_\nc_ = 1\ndef d_(a, b, c, d, e): ...\ndef f(a, b, *, c, d, e): ...\n__all__ = []")
    assert sorted(underscored(tree)) == ["b_", "c_", "d_"]
    assert [takes_many(node) for node in tree.body if isinstance(node, ast.FunctionDef)] == [True, False]
    kernel = ast.parse("@njit(cache=True)\ndef kernel(a, b, c, d, e):\n    return a * 65599 + (b & 127) + 4096").body[0]
    assert not takes_many(kernel)
    assert is_kernel(kernel)
    assert list(bare_numbers(kernel)) == [65599]
    assert sorted(riddles(ast.parse("said = 1\nself.told = held\ndef f(asked): ..."))) == ["asked", "said"]


def test_a_variable_is_called_what_it_is():
    assert {name for name, tree in PARSED.items() if any(riddles(tree))} == set()


def test_no_name_ends_in_an_underscore():
    assert {(name, each) for name, tree in PARSED.items() for each in underscored(tree)} == STILL_UNDERSCORED


def test_a_public_function_is_no_bare_participle():
    assert {(name, each) for name, each in public(ast.FunctionDef) if each in PARTICIPLES} == STILL_PARTICIPLES


def test_a_public_function_takes_few_arguments_by_position():
    many = {
        (name, node.name)
        for name, tree in PARSED.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        if takes_many(node) and not gives_by_name(name)
    }
    assert many == STILL_POSITIONAL


def test_a_number_in_a_kernel_has_a_name():
    numbered = {
        (name, node.name)
        for name, tree in PARSED.items()
        for node in ast.walk(tree)
        if is_kernel(node) and any(bare_numbers(node))
    }
    assert numbered == STILL_NUMBERED


def on_disk(room, ending=".py"):
    return {path.stem.replace("_", "-") for path in (HOME / room).glob(f"*{ending}") if path.stem != "__init__"}


REGISTRIES = {
    "profiles": (profiles.names(), on_disk("profiles", ".yaml")),
    "engines": (engines.ENGINES, on_disk("core/engines")),
}


@pytest.mark.parametrize("family", REGISTRIES)
def test_a_registry_is_what_stands_on_disk(family):
    listed, found = REGISTRIES[family]
    assert {name.replace("_", "-") for name in listed} == found


DECLARED = {
    "checks": checks.CHECKS,
    "detectors": detectors.DETECTORS,
    "codecs": storage.CODECS,
    "containers": storage.CONTAINERS,
    "record formats": records.FORMATS,
    "manifest formats": manifests.FORMATS,
    "reports": REPORTS,
    "exports of findings": exports.EXPORTS,
    "exports of ledgers": ledger_exports.EXPORTS,
}
"""Families of which each member declares itself in its own file."""


@pytest.mark.parametrize("family", DECLARED)
def test_whoever_declares_itself_is_registered(family):
    registry = DECLARED[family]
    found = [name for name, tree in PARSED.items() if registry.attribute in _assigned(tree)]
    assert sorted(registry.modules) == sorted(found)
    assert registry


def test_no_two_families_share_the_name_of_their_declarations():
    assert len({registry.attribute for registry in DECLARED.values()}) == len(DECLARED)


WORDS = {"licence", "notice", "spdx"}
"""Names of formats that are words of tables as well: a role, a field, a column."""


def test_a_manifest_format_is_named_in_its_own_file_alone():
    names = {name for name, each in manifests.FORMATS.items() for name in (name, each.witness)} - WORDS - {None}
    home = {name for name in PARSED if name.startswith("provenance.readers.manifests.")}
    named = {
        (module, node.value)
        for module in set(PARSED) - home
        for node in ast.walk(PARSED[module])
        if isinstance(node, ast.Constant) and node.value in names - {"licence-file"}  # which is a field, too
    }
    assert named == set()


def _assigned(tree):
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        yield from (each.id for each in targets if isinstance(each, ast.Name))


TERM = re.compile(r"\| (?P<term>[a-z][^|]*) \| (?P<chinese>[^|]*) \| (?P<meaning>[^|]*) \| (?P<source>[^|]*) \|")


def test_the_glossary_says_each_word_once_in_both_languages_with_its_source():
    text = (ROOT / "docs/glossary.md").read_text("utf-8")
    terms = [found.groupdict() for found in map(TERM.fullmatch, text.splitlines()) if found]
    assert len(terms) >= 40
    assert len({each["term"] for each in terms}) == len(terms)
    for each in terms:
        assert re.search(r"[\u4e00-\u9fff]", each["chinese"]), each
        assert each["meaning"].endswith("."), each
        assert each["source"].strip(), each
