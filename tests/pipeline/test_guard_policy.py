"""Policies: a closed form, and what it means where it says nothing."""

import json

import pytest

from provenance.core.package_data import DATA_FOLDER
from provenance.errors import ConfigError
from provenance.pipeline import guard_policy


def test_a_policy_is_read(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text("policy: 1\nkind: assessment\nprofiles: [cn-interim-measures]\nmax-age-days: 90\nmissing: allow\n")
    assert guard_policy.read_policy(path) == guard_policy.GuardPolicy(
        kind="assessment", profiles=("cn-interim-measures",), max_age_days=90, missing="allow"
    )
    path.write_text("policy: 1\n")
    assert guard_policy.read_policy(path) == guard_policy.GuardPolicy() == guard_policy.read_policy(None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("policy: 2\n", r"at /policy, line 1"),
        ("policy: 1\nfindngs: error\n", "findngs"),
        ("policy: 1\nprofiles: [x]\n", "there is no profile 'x'; there are: baseline, "),
        ("policy: 1\nmax-age-days: soon\n", r"at /max-age-days, line 2"),
        ("[]\n", "at /"),
        ("policy: 1\npolicy: 1\n", "policy.yaml"),
        ("\x00", "policy.yaml"),
    ],
)
def test_a_wrong_policy_is_one_sentence(tmp_path, text, said):
    (tmp_path / "policy.yaml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        guard_policy.read_policy(tmp_path / "policy.yaml")


def test_what_may_be_there_without_an_audit_is_as_the_schema_says():
    schema = json.loads((DATA_FOLDER / "schemas" / "policy.schema.json").read_text(encoding="utf-8"))
    assert guard_policy.GuardPolicy().allow is None
    assert "default" not in schema["properties"]["allow"]
    told = schema["properties"]["allow"]["description"]
    assert "a list replaces the default" in told
    assert ".DS_Store" in told


def test_a_list_of_what_is_allowed_replaces_the_default(tmp_path):
    (tmp_path / "policy.yaml").write_text('policy: 1\nallow: ["notes/**"]\n')
    assert guard_policy.read_policy(tmp_path / "policy.yaml").allow == ("notes/**",)
    (tmp_path / "policy.yaml").write_text("policy: 1\nallow: []\n")
    assert guard_policy.read_policy(tmp_path / "policy.yaml").allow == ()
