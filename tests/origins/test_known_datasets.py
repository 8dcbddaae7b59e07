from __future__ import annotations

import json

import jsonschema
import pytest

from provenance.core import package_data
from provenance.licences.expressions import normalise
from provenance.licences.terms import find_terms
from provenance.origins.known_datasets import known_by_digest, known_by_name, load_known
from provenance.readers.manifests.yaml_documents import load


def test_the_list_keeps_its_schema():
    folder = package_data.data_folder("known")
    value, _ = load("datasets.yaml", (folder / "datasets.yaml").read_text(encoding="utf-8"), typed=True)
    schema = json.loads((folder / "known.schema.json").read_text(encoding="utf-8"))
    faults = jsonschema.validators.validator_for(schema)(schema).iter_errors(value)
    assert [fault.message for fault in faults] == []


def test_ids_are_unique_and_upstreams_are_known():
    ids = [each.id for each in load_known()]
    assert len(set(ids)) == len(ids) >= 30
    assert all(up in ids or up.startswith("http") for each in load_known() for up in each.upstream)


def test_licences_are_expressions_with_terms():
    for each in load_known():
        for licence in (each.licence, *each.terms):
            assert licence is None or (normalise(licence).expression == licence and find_terms(licence)), each.id


def test_look_ups():
    assert known_by_name()["tatsu-lab/alpaca"].id == "stanford-alpaca"
    assert known_by_name()["github.com/tatsu-lab/stanford_alpaca"].id == "stanford-alpaca"
    assert known_by_digest()["17f347dc51477c50d4efb83959dbb7c56297aba886e5544ee2aaed3024813465"].id == "gsm8k"


@pytest.mark.realdata
def test_digests_are_those_of_real_files(realdata):
    from provenance.core.digests import sha256

    real = {
        sha256(path.read_bytes())
        for path in (realdata / "data").rglob("*")
        if path.is_file() and path.stat().st_size < 30_000_000
    }
    assert len(real & set(known_by_digest())) >= 9
