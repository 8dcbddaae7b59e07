import importlib.util
import re

from provenance.cli.export import ALL
from provenance.readers import manifests

ROOT = __import__("pathlib").Path(__file__).resolve().parents[1]


def test_the_output_in_the_readme_was_produced():
    spec = importlib.util.spec_from_file_location("build_readme", ROOT / "tools" / "build_readme.py")
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    shown = build.BLOCK.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert shown is not None
    assert shown[0] == build.produce(), "run: python tools/build_readme.py"


def test_the_manifest_in_the_readme_is_valid_and_complete():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- manifest -->\n```yaml\n(.*?)```", text, re.DOTALL)
    claims = manifests.read("provenance.yaml", shown[1].encode(), "native")
    kinds = [claim.value for claim in claims if claim.field == "kind"]
    assert len(set(kinds)) == 3
    stated = {claim.field.split(".")[0] for claim in claims}
    assert {"contract", "collection", "generator"} <= stated


def test_every_link_leads_somewhere():
    for name in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / name).read_text(encoding="utf-8")):
            assert target.startswith("https://") or (ROOT / target).exists(), (name, target)


def test_the_two_commands_are_there_for_ci():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in ("setup", "test"):
        assert re.search(rf"<!-- run: {name} -->\n```sh\n.+\n```", text), name


def test_it_names_every_export_and_no_other():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (row,) = re.findall(r"^\| `provenance export LEDGER --format FORMAT -o FILE` \| (.*) \|$", text, re.MULTILINE)
    assert re.findall(r"`([a-z0-9-]+)`", row) == list(ALL)


def test_the_finding_it_teaches_with_is_one_of_the_demos():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- output: demo -->\n```text\n(.*?)```", text, re.DOTALL)[1]
    taught = text.split("## How to read a finding", 1)[1].split("\n## ", 1)[0]
    line = re.search(r"^error .*$", taught, re.MULTILINE)[0]
    assert line in shown
    assert f"provenance explain {line.split()[-1]} --ledger provenance-demo/ledger" in taught
