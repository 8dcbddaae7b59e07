"""What the gate leaves as it is: recognised licences, names of data, numbers, digests, paths that are there."""

from __future__ import annotations

import json

import pytest

from provenance.core.model import Claim
from provenance.sources.claims import _make_row
from provenance.sources.privacy.gate import Gate
from provenance.sources.privacy.identity import IdentityKey

KEY = IdentityKey(b"k" * 32)

STAYS = [
    ("licence", "CC BY-NC-SA 4.0"), ("licence", "https://creativecommons.org/licenses/by/4.0/"), ("name", "Databricks Dolly 15k"),
    ("licence-elsewhere", "HF Yaml License: CC BY 4.0"), ("licence-note", "it is Non Commercial, as well as OpenAI generated"),
    ("creator", "The University of Texas at Austin"), ("creator", "Beijing University of Posts and Telecommunications"),
    ("creator", "MBZUAI"), ("bytes", "13912345678"), ("sha256", "0f" * 32), ("tokens.count", "13912345678"),
    ("split", "train=13912345678"), ("url", "https://atlas.nomic.ai/map/c1b88b47-2d9b-47e0-9002-b80766792582/2560fd25-52fe-42f1-a58f-ff5eccc890d2"),
    ("revision", "8.8.8.8"), ("revision", "1.0.0"), ("link", "https://github.com/x/hf_datasets"), ("language", "en"),
    ("citation", "https://arxiv.org/abs/2101.00027"), ("digest", "md5:" + "0f" * 16), ("members", "data/jane@corp-x.org.jsonl"),
    ("split-files", "train=data/*@corp-x.org.jsonl"), ("acquired", "2021-01-05"), ("view", "jane@corp-x.org=answer"),
    ("text-source", "Please use source URLs listed in `constants/domain_groups.json` or add to it."),
]  # fmt: skip


def rows(*claims):
    return [
        _make_row("card/README.md", Claim(field, value, "card/", "native", "/sources/0/x"), "00" * 32)
        for field, value in claims
    ]


@pytest.mark.parametrize(("field", "value"), STAYS)
def test_what_is_nobodys_stays(field, value):
    gate = Gate(KEY, ["card/README.md", "data/jane@corp-x.org.jsonl"])
    (made,) = gate.clean(rows((field, value), ("creator", "or add to it."))[:1])
    assert made["value"] == value
    assert gate.contacts().num_rows == 0


def test_a_person_of_one_statement_is_one_in_all_texts():
    gate = Gate(KEY, ["card/README.md"])
    made = gate.clean(rows(("creator", "Jane Qwertz"), ("description", "lamps that Jane Qwertz lit, Qwertz, Jane too"), ("name", "Jane Qwertz lamps")))  # fmt: skip
    person = KEY.id("Jane Qwertz")
    assert made[1]["value"] == f"lamps that person:contact:{person} lit, person:contact:{person} too"
    assert made[2]["value"] == f"person:contact:{person} lamps"
    assert "Jane" not in json.dumps(made[0])


def test_whom_prose_names_once_it_names_nowhere():
    gate = Gate(KEY, ["card/README.md"])
    (made,) = gate.clean(rows(("terms", "made by colleagues of Quincy Dvorq only. Contact: Quincy Dvorq, who answers")))
    assert "Dvorq" not in made["value"]
    assert made["value"].count(KEY.id("Quincy Dvorq")) == 2


def test_a_licence_names_nobody_who_is_known_as_a_person():
    gate = Gate(KEY, ["card/README.md"])
    cited = "@article{a, title={A set}, author={Plq, Octavius}}"
    made = gate.clean(rows(("citation", cited), ("licence", "CC BY 4.0, ask Octavius Plq")))
    assert made[1]["spdx"] is not None
    assert "Octavius" not in made[1]["value"]
    assert made[1]["value"].startswith("CC BY 4.0, ask person:contact:")


def test_what_a_manifest_fault_quotes_is_no_name():
    reason = Gate(KEY).reason("no valid croissant: the id 'Jane Qwertz' holds white space, ask jane@corp-x.org")
    assert reason == "no valid croissant: the id '…' holds white space, ask [email]"


NAMED = [  # statements of one manifest: after cleaning, none holds the name
    [("licence", "For use by colleagues of Quincy Dvorq only. Ask Quincy Dvorq: no one else.")],
    [("licence", "Custom, ask Quincy Dvorq"), ("description", "a set that Quincy Dvorq lit")],
    [("licence", "Use granted by Quincy Dvorq"), ("name", "Lamps of Quincy Dvorq")],
    [("licence", "Copyright Quincy Dvorq")],
    [("licence", "write to or contact Quincy Dvorq")],
    [("creator", "Quincy Dvorq"), ("name", "Quincy Dvorq Chat Logs")],
    [("description", "Collected by Quincy Dvorq."), ("licence-note", "QUINCY  DVORQ agrees")],
]


@pytest.mark.parametrize("claims", NAMED)
def test_a_name_goes_at_every_mention(claims):
    for made in Gate(KEY, ["card/README.md"]).clean(rows(*claims)):
        assert "dvorq" not in made["value"].casefold()
        assert f":{KEY.id('Quincy Dvorq')}" in made["value"]


def test_a_recognised_licence_hides_no_name():
    (row,) = rows(("licence", "CC BY 4.0, ask Quincy Dvorq"))
    (made,) = Gate(KEY, ["card/README.md"]).clean([row | {"spdx": "CC-BY-4.0"}])
    assert made["value"] == f"CC BY 4.0, ask person:contact:{KEY.id('Quincy Dvorq')}"
    assert made["spdx"] == "CC-BY-4.0"


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "quincy-dvorq-lamps"), ("upstream", "Quincy Dvorq/lamps"), ("licence", "CC BY by Creative Commons"),
     ("licence", "by The Acme Foundation"), ("licence", "Copyright License Agreement")],
)  # fmt: skip
def test_what_names_data_and_licences_stays(field, value):
    made = Gate(KEY, ["card/README.md"]).clean(rows(("creator", "Quincy Dvorq"), (field, value)))
    assert made[1]["value"] == value


def test_a_value_stated_again_keeps_its_contacts():
    gate = Gate(KEY, ["card/README.md"])
    again = [
        row | {"pointer": f"/sources/{k}/x"}
        for k, row in enumerate(rows(("contact", "Jane Qwertz <j@corp-x.org>")) * 2)
    ]
    first, second = gate.clean(again)
    assert first["value"] == second["value"]
    assert gate.contacts().num_rows == 4
