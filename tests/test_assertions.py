"""Every test asserts something: one that only runs code is green whatever the code does."""

from __future__ import annotations

import ast
from pathlib import Path

HOME = Path(__file__).parent
ALLOWED = {"bench": "benchmarks print what they measure; numbers of one machine are no rule for another"}
"""Folders of tests that may assert nothing, each with the reason."""

ASSERTING = {"raises", "fail", "warns"}  # of pytest


class Asserting:
    """Finds functions that assert by themselves or through a function of the tests that they call.

    Args:
        trees: syntax tree of each module of the tests, by the module's last name.
    """

    def __init__(self, trees):
        """Index the functions and classes at the top of each module, and what each module imports from another."""
        self._answers = {}
        self._defined = {
            name: {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
            for name, tree in trees.items()
        }
        self._imported = {
            name: {
                alias.asname or alias.name: (node.module.rpartition(".")[2], alias.name)
                for node in ast.walk(tree)
                if isinstance(node, ast.ImportFrom) and node.module
                for alias in node.names
            }
            for name, tree in trees.items()
        }

    def asserts(self, module, function):
        if function not in self._answers:
            self._answers[function] = False  # while it is looked at: whoever only calls itself asserts nothing
            nodes = list(ast.walk(function)) if function else []
            self._answers[function] = any(isinstance(node, ast.Assert) for node in nodes) or any(
                getattr(node.func, "attr", None) in ASSERTING or self.asserts(*self._find(module, node.func))
                for node in nodes
                if isinstance(node, ast.Call)
            )
        return self._answers[function]

    def _find(self, module, called):
        """Return the module and the definition of what is called; None for what the tests do not define."""
        name, owner = getattr(called, "id", None) or getattr(called, "attr", None), module
        if isinstance(called, ast.Attribute):
            owner = called.value.id if isinstance(called.value, ast.Name) else None
        elif name not in self._defined[module]:
            owner, name = self._imported[module].get(name, (None, None))
        return owner, self._defined.get(owner, {}).get(name)


def empty_tests(trees):
    asserting = Asserting(trees)
    return {
        f"{module}::{node.name}"
        for module, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not asserting.asserts(module, node)
    }


def test_the_rule_can_fail():
    helpers = ast.parse("def check(): assert True\ndef run(): pass")
    tests = ast.parse(
        "import helpers\nfrom helpers import check, run\n"
        "def test_a(): assert True\ndef test_b(): helpers.check()\ndef test_c():\n  with pytest.raises(E): pass\n"
        "def test_d(): check()\ndef test_e(): run()\ndef test_f(): helpers.run()\ndef test_g(): test_g()"
    )
    assert empty_tests({"helpers": helpers, "tests": tests}) == {"tests::test_e", "tests::test_f", "tests::test_g"}


def test_every_test_asserts_something():
    paths = [path for path in HOME.rglob("*.py") if path.relative_to(HOME).parts[0] not in ALLOWED]
    trees = {}
    for path in sorted(paths):  # every folder has its own conftest.py; nothing is called by that name
        trees.setdefault(path.stem if path.stem not in trees else path.as_posix(), ast.parse(path.read_text("utf-8")))
    assert empty_tests(trees) == set()
