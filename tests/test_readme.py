"""README and the pages of docs/: what they show was produced, what they name exists."""

import importlib.util
import re
from pathlib import Path

import pytest

from provenance.cli.export import ALL
from provenance.readers import manifests

ROOT = Path(__file__).resolve().parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md"))]


def text(page):
    return (ROOT / page).read_text(encoding="utf-8")


def block(page, mark, language):
    return re.search(rf"<!-- {mark} -->\n```{language}\n(.*?)```", text(page), re.DOTALL)[1]


def demo():
    return block("docs/read-a-report.md", "output: demo", "text")


def test_the_output_that_is_shown_was_produced():
    spec = importlib.util.spec_from_file_location("build_demo_page", ROOT / "tools" / "build_demo_page.py")
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    assert demo() == build.produce(), "run: python tools/build_demo_page.py"


def test_the_excerpt_in_the_readme_is_of_that_output():
    pieces = re.split(r"^…\n", block("README.md", "excerpt: demo", "text"), flags=re.MULTILINE)
    assert len(pieces) > 3
    starts = [demo().find(f"\n{piece}" if at else piece) for at, piece in enumerate(pieces)]
    assert -1 not in starts, pieces[starts.index(-1)]
    assert starts == sorted(starts)


def test_the_manifest_that_is_shown_is_valid_and_complete():
    claims = manifests.read(
        "provenance.yaml", block("docs/describe-a-source.md", "manifest", "yaml").encode(), "native"
    )
    kinds = [claim.value for claim in claims if claim.field == "kind"]
    assert len(set(kinds)) == 3
    stated = {claim.field.split(".")[0] for claim in claims}
    assert {"contract", "collection", "generator"} <= stated


def anchors(page):
    return {
        re.sub(r"[^\w\- ]", "", line).strip().lower().replace(" ", "-") for line in re.findall(r"(?m)^#+ (.*)$", page)
    }


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", text(page)):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path.read_text(encoding="utf-8")), target


def test_the_readme_leads_to_every_page():
    linked = set(re.findall(r"\]\((docs/[^)#]+)", text("README.md")))
    assert linked == {page for page in PAGES if page.startswith("docs/")}


def test_the_readme_can_be_read_at_the_door():
    assert len(text("README.md").splitlines()) <= 200


def test_the_two_commands_are_there_for_ci():
    for name in ("setup", "test"):
        assert re.search(rf"<!-- run: {name} -->\n```sh\n.+\n```", text("README.md")), name


def test_every_export_is_named_and_no_other():
    row = r"^\| `provenance export LEDGER --format FORMAT -o FILE` \| (.*) \|$"
    (cell,) = re.findall(row, text("docs/commands.md"), re.MULTILINE)
    assert re.findall(r"`([a-z0-9-]+)`", cell) == list(ALL)


def test_the_finding_that_is_explained_is_one_of_the_demos():
    taught = text("docs/read-a-report.md").split("## A finding", 1)[1].split("\n## ", 1)[0]
    line = re.search(r"^error .*$", taught, re.MULTILINE)[0]
    assert line in demo()
    assert f"provenance explain {line.split()[-1]} --ledger provenance-demo/ledger" in taught
