"""Names, addresses, numbers and secrets are planted wherever a manifest or a record can state something.

A scan with a ledger must not bring one of them anywhere under the ledger but into contacts.parquet, which holds names
and contacts of manifests alone: no secret, and nothing that records state.
"""

from __future__ import annotations

import base64
import json
import re
import zipfile
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import quote

import pyarrow.parquet as pq
import pytest

import provenance as pv
from provenance import ledger

if TYPE_CHECKING:
    from pathlib import Path


# A digest or a salt holds any six digits now and then: they are taken out before the tokens are looked for.
_DIGESTS = re.compile(r"(?<![0-9a-f])[0-9a-f]{32,}(?![0-9a-f])")


class Tokens:
    """Values that are looked for afterwards; each is planted once."""

    def __init__(self):
        self._next = count(1)
        self.secrets, self.people, self.numbers = [], [], []

    def _letters(self):
        number, letters = next(self._next), ""
        while number or len(letters) < 4:
            number, digit = divmod(number, 20)
            letters += "bcdfghjklmnpqrstvwxz"[digit]
        return letters

    def name(self):
        letters = self._letters()
        self.people.append(f"O{letters}ana")
        return f"{letters.capitalize()}ira O{letters}ana"

    def email(self):
        letters = self._letters()
        self.people.append(f"{letters}.who")
        return f"{letters}.who@{letters}mail.org"

    def phone(self):
        digits = f"{1512000000 + next(self._next):d}"
        self.people.append(digits[-6:])
        return f"+49 {digits[:4]} {digits[4:]}"

    def number(self):
        """A Chinese resident id: kept nowhere, not even among contacts."""
        body = f"11010519{49 + next(self._next) % 40}1231{next(self._next) % 1000:03d}"
        check = "10X98765432"[sum(int(each) * (2 ** (17 - place) % 11) for place, each in enumerate(body)) % 11]
        self.numbers.append(body[-9:])
        return body + check

    def secret(self):
        letters = self._letters()
        self.secrets.append(f"{letters}9Pw{letters}")
        return f"{letters}9Pw{letters}"

    # -- addresses that hold a secret ------------------------------------------------------------------------------

    def url(self):
        return f"https://{self.secret()}:{self.secret()}@data.acme.org/x.jsonl?id=7&sig={self.secret()}&page=2"

    def urls(self):
        s = self.secret
        inner = f"https://a:{s()}@h.org/?token={s()}"
        return [
            self.url(),
            f"https://{s()}@github.com/acme/set.git",
            f"HTTPS://H.ORG/x?X-Amz-Signature={s()}&X-Amz-Credential={s()}",
            f"https://h.org/x?u={quote(inner, safe='')}",
            f"https://h.org/x?u={quote(quote(f'https://a:{s()}@h.org/', safe=''), safe='')}",
            f"//a:{s()}@h.org/x",
            f"https://a:{s()}@[2001:db8::1]:8443/x#access_token={s()}",
            f"https://h.org/x;jsessionid={s()}?a=1;token={s()}",
            f"https://h.org/x?%73ig={s()}&SIGNATURE={s()}",
            f"ftp://anonymous:{s()}@h.org/x",
            f"s3://AKIA0000000000000000:{s()}@bucket/x",
            f"git+ssh://bob:{s()}@h.org/x",
            f"mongodb+srv://a:{s()}@c0.h.org/db",
            f"redis://:{s()}@h.org:6379/0",
            f"jdbc:postgresql://h.org/db?user=a&password={s()}",
            f"jdbc:sqlserver://h.org:1433;user=a;password={s()}",
            f"bob:{s()}@h.org:/data/x",
            f"https://acc.blob.core.windows.net/c/f?sv=2020&se={s()}&sp={s()}&sr=b&sig={s()}",
            f"https://h.org/x?Expires={s()}&Key-Pair-Id={s()}&Policy={s()}",
            f"Authorization: Bearer {s()}",
            f"password={s()}",
            f"hf_{s()}{s()}",
            f"ghp_{s()}{s()}",
            f"-----BEGIN PRIVATE KEY----- {s()}",
        ]

    def prose(self):
        return (
            f"A set about lamps. Contact: {self.name()} <{self.email()}>, {self.phone()}. See {self.url()}. "
            f"Maintained by {self.name()}. ID {self.number()}. The token is hf_{self.secret()}{self.secret()}."
        )


def letters_of(path: Path, tokens):
    """Everything that a file holds, as text: Parquet decoded."""
    if path.suffix == ".parquet":
        return json.dumps(pq.read_table(path).to_pylist(), ensure_ascii=False, default=str)
    data = path.read_bytes()
    text = data.decode("utf-8", "replace")
    if path.name.endswith(".dsse.json"):
        text += base64.b64decode(json.loads(data)["payload"]).decode()
    return text


def write(root: Path, name: str, content) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    (root / name).write_text(text, encoding="utf-8")


def person(t, kind="Person"):
    return {"@type": kind, "name": t.name(), "email": t.email(), "telephone": t.phone(), "url": t.url()}


def croissant(t):
    rai = ("dataCollection", "annotatorDemographics", "dataLimitations", "personalSensitiveInformation")
    return {
        "@context": {"@vocab": "https://schema.org/", "cr": "http://mlcommons.org/croissant/"},
        "@type": "sc:Dataset", "conformsTo": "http://mlcommons.org/croissant/1.0", "name": "lamps",
        "description": t.prose(), "license": [f"Custom, ask {t.email()}", t.url()], "url": t.url(),
        "sameAs": t.urls(), "creator": [person(t), t.name(), {"name": t.name()}, {"@id": t.url()}],
        "publisher": [person(t), t.name()], "version": "1.0.0", "datePublished": "2021-01-05",
        "citeAs": f"@misc{{key, author={{{t.name()} and {t.name()}}}, title={{Lamps}}, year=2020, url={{{t.url()}}}}}",
        "citation": f"{t.name()} (2020). Lamps. {t.email()}", "usageInfo": t.url(), "wasDerivedFrom": t.url(),
        **{f"rai:{key}": t.prose() for key in rai}, "sdLicense": t.prose(),
        "distribution": [
            {"@type": "cr:FileObject", "@id": "f", "name": "f", "contentUrl": t.url(), "encodingFormat": "x", "sha256": "0" * 64},
            {"@type": "cr:FileObject", "@id": "g", "name": "g", "contentUrl": "x.jsonl", "encodingFormat": "x", "sha256": t.secret()},
        ],
    }  # fmt: skip


def frictionless(t):
    return {
        "name": "lamps", "title": f"Lamps by {t.name()} {t.email()}", "homepage": t.url(), "description": t.prose(),
        "version": f"1 {t.email()}", "created": f"2020 {t.phone()}",
        "contributors": [{"title": t.name(), "email": t.email(), "path": t.url()}, {"path": t.url()}, t.name()],
        "licenses": [{"name": f"ours, {t.email()}"}, {"path": t.url()}, {"title": t.prose()}],
        "sources": [{"title": t.prose()}, {"path": t.url()}, *t.urls()],
        "resources": [{"path": "x.jsonl", "name": "x", "encoding": t.email(), "hash": t.secret()}, {"path": t.url()}],
    }  # fmt: skip


def native(t):
    sources = [
        {
            "id": "lamps", "name": f"Lamps, {t.email()}", "url": t.url(), "owner": f"{t.name()}, {t.email()}",
            "creator": t.name(), "licence": [{"text": t.prose()}, {"url": t.url()}, f"ask {t.phone()}"],
            "upstream": [t.url(), t.email()], "revision": f"v1 {t.email()}",
            "contract": {"parties": [t.name(), f"{t.name()} <{t.email()}>"], "scope": t.prose()},
            "collection": {"user_agent": f"bot (+{t.url()}; {t.email()})", "method": "crawl"},
            "consent": {"version": f"v {t.email()}", "service": t.prose()},
            "generator": [{"name": f"model {t.email()}", "provider": t.email(), "terms": t.url()}],
            "filters": [{"name": f"by {t.email()}"}], "tokens": {"count": 13912345678, "tokenizer": t.email()},
            "personal_data": {"contains": "unknown", "note": t.prose(), "record": t.url()},
        },
        {"id": t.email(), "path": "other", "creator": t.name()},
    ]  # fmt: skip
    return {"provenance": 1, "sources": sources}


def dpi(t):
    return {
        f"set {t.email()}": {
            "Unique Dataset Identifier": "lamps", "Dataset Name": f"lamps {t.email()}", "Collection": t.email(),
            "Dataset URL": t.url(), "Derived from Datasets": [t.url()], "Text Sources": [t.email()],
            "Model Generated": [t.email()], "Creators": [t.name(), t.email()], "Languages": ["English"],
            "License Notes": t.prose(), "License Verified By": t.name(), "Bibtex": f"@a{{k, author={{{t.name()}}}}}",
            "Licenses": [{"License": f"ours {t.email()}", "License URL": t.url()}],
            "Inferred Metadata": {"GitHub License": t.email()},
        }
    }  # fmt: skip


def infos(t):
    return {
        f"default {t.email()}": {
            "license": t.prose(), "homepage": t.url(), "citation": f"{t.name()}: Lamps, 2020", "features": {},
            "builder_name": t.email(), "version": {"version_str": t.email()},
            "splits": {f"train {t.email()}": {"num_examples": 3}},
            "download_checksums": {t.url(): {"checksum": "0" * 64}, t.urls()[3]: {"checksum": t.secret()}},
        }
    }  # fmt: skip


def llama(t):
    return {
        f"a {t.email()}": {"file_name": "x.jsonl", "hf_hub_url": f"a/{t.email()}", "formatting": t.email(), "columns": {"prompt": t.email()}},
        "b": {"hf_hub_url": "c/d", "script_url": t.url()},
        "c": {"file_name": f"absent/{t.email()}.jsonl", "file_sha1": t.secret()},
    }  # fmt: skip


def nltk(t):
    from xml.sax.saxutils import quoteattr

    stated = {
        "id": "lamps", "name": f"Lamps {t.email()}", "author": t.name(), "contact": f"{t.name()} <{t.email()}>",
        "copyright": f"Copyright (C) 1995 {t.name()}", "version": t.email(), "languages": t.email(), "note": t.prose(),
        "license": t.prose(), "licenseurl": t.url(), "webpage": t.url(), "url": t.url(),
    }  # fmt: skip
    return "<package " + " ".join(f"{key}={quoteattr(value)}" for key, value in stated.items()) + "/>"


def card(t):
    return (
        f'---\npretty_name: "Lamps {t.email()}"\nlicense: other\nlicense_name: "ours {t.email()}"\nlicense_link: "{t.url()}"\n'
        f'tags: ["modality:{t.email()}"]\nsource_datasets: ["extended|{t.email()}"]\nconfigs:\n- config_name: a\n'
        f'  data_files: [{{split: train, path: "absent/{t.email()}"}}]\n---\n# Lamps by {t.email()}\n\n'
        f"Homepage: {t.url()}\n\nLicense: ours, ask {t.name()} <{t.email()}> or {t.phone()}\n\n{t.prose()}\n"
    )


def readme(t):
    return (
        f"# Lamps {t.email()}\n\n## Part {t.email()}\n\nLicense: MIT, {t.email()}\n\n## Other {t.email()}\n\nLicense: CC BY 4.0, "
        f"{t.email()}\n\nRepository: {t.url()}\n\n{t.prose()}\n\nhttps://github.com/acme/lamps?token={t.secret()}\n"
    )


def plant(root, t):
    """Lay out one folder a format, each with records that state something too."""
    made = {
        "croissant/croissant.json": croissant(t), "frictionless/datapackage.json": frictionless(t),
        "provenance.yaml": native(t), "dpi/summary.json": dpi(t), "infos/dataset_infos.json": infos(t),
        "llama/dataset_info.json": llama(t), "nltk/lamps.xml": nltk(t), "card/README.md": card(t), "readme/README.md": readme(t),
        "licence/LICENSE": f"Copyright (c) 2023 {t.name()} <{t.email()}>\n\n{t.prose()}",
        "licence/DATA_LICENSE": f"House rules of {t.email()}, {t.phone()}\n",
        "broken/provenance.yaml": f'provenance: 1\nsources:\n- id: a\n  kind: "{t.name()}"\n',
        "broken2/provenance.yaml": f'provenance: 1\nsources:\n- id: a\n  country: "{t.email()}"\n',
        "broken3/provenance.yaml": f'provenance: 1\nsources:\n- id: a\n  path: "../{t.email()}"\n',
        "broken4/datapackage.json": f'{{"resources": [], "{t.email()}": 1, "x": {t.name()}',
        "broken5/provenance.yaml": f"provenance: 1\nsources:\n- id: a\n  {t.email()}: 3\n",
        "broken6/datapackage.json": '{"resources": [], "' + (twice := t.name()) + f'": 1, "{twice}": 2}}',
        "datasheet.md": t.prose(),
    }  # fmt: skip
    for name, content in made.items():
        write(root, name, content)
    for folder in ("croissant", "frictionless", "other", "dpi", "infos", "llama", "card", "readme", "licence", "."):
        rows = [
            {
                "text": f"a lamp in the harbour of {folder}, number {k}, {t.name()}, {t.email()}, {t.phone()}",
                "url": t.url(), "license": f"ours {t.email()} {t.url()}", "source": f"{t.email()} {t.url()}",
            }
            for k in range(3)
        ]  # fmt: skip
        rows += [{"text": f"{each}", "source": each, "license": each} for each in t.urls()] if folder == "." else []
        write(root, f"{folder}/x.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    with zipfile.ZipFile(root / "nltk" / "lamps.zip", "w") as archive:
        archive.writestr("lamps/README", readme(t))
        archive.writestr("lamps/dataset_infos.json", json.dumps(infos(t)))
        archive.writestr("lamps/LICENSE", f"Copyright (c) 2020 {t.name()}, {t.email()}\n")
        archive.writestr("lamps/a.txt", "one lamp in the harbour\n")
    write(root, "kept/jane.doe@corp-x.org.jsonl", '{"text": "a path that holds an address is kept"}\n')
    write(root, "kept/13812345678.jsonl", '{"text": "so is one that holds a number"}\n')


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    root = tmp_path_factory.mktemp("planting")
    tokens = Tokens()
    plant(root / "data", tokens)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROVENANCE_CONFIG", str(root / "home"))
        pv.scan(root / "data", root / "ledger", profiles=("baseline", "cn-interim-measures"), workers=1)
    return root, tokens


def leaks(folder, tokens, *, skip=()):
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.name not in skip:
            text = _DIGESTS.sub("", path.as_posix() + letters_of(path, tokens))
            found += [
                (token, path.name, text[max(0, at - 90) : at + 60]) for token in tokens if (at := text.find(token)) >= 0
            ]
    return found


def test_nothing_that_was_planted_stands_in_the_ledger(planted):
    root, tokens = planted
    everything = [*tokens.secrets, *tokens.people, *tokens.numbers]
    assert len(everything) > 500
    assert leaks(root / "ledger", everything, skip=("contacts.parquet",)) == []


def test_contacts_hold_people_of_manifests_and_no_secret_or_number(planted):
    root, tokens = planted
    table = ledger.read_tables(root / "ledger", None, ["contacts"])["contacts"]
    held = json.dumps(table.to_pylist())
    assert [each for each in (*tokens.secrets, *tokens.numbers) if each in held] == []
    assert sum(each in held for each in tokens.people) > 60
    assert not any(path.endswith(".jsonl") for path in table["manifest"].to_pylist())
    assert len(set(table["salt"].to_pylist())) == table.num_rows
