"""Lines as cards, licences and manifests hold them: what must not stay, and what must.

Both tables pass the whole gate, as the text of one statement.
"""

from __future__ import annotations

import pytest

from provenance.core.model import Claim
from provenance.sources.claims import _make_row
from provenance.sources.privacy.gate import Gate
from provenance.sources.privacy.identity import IdentityKey

KEY = IdentityKey(b"k" * 32)

LEAKS = [  # a line, and what of it must not stay
    # tokens by their shape
    ("aws s3 cp s3://b/x . # AKIAIOSFODNN7EXAMPLE", "AKIAIOSF"), ("use ghp_abcdefghijklmnopqrstuvwxyz0123456789", "ghp_"),
    ("login with hf_AbCdEfGhIjKlMnOpQrStUvWxYz012345", "hf_"), ("OpenAI sk-abcdefghijklmnopqrstuvwxyz012345", "sk-abc"),
    ("sk-ant-api03-abcdef0123456789-abcdef", "sk-ant"), ("bot xoxb-123456789012-abcdefGHIJ", "xoxb"),
    ("maps AIzaSyA1234567890abcdefghijklmnopqrstuv", "AIzaSy"), ("ya29.a0AfH6SMBx12345678abcdef", "ya29"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqZG9lIn0.c2lnbmF0dXJl", "eyJh"), ("-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----", "MHcC"),
    ("-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQOYBF\n-----END PGP PRIVATE KEY BLOCK-----", "lQOY"),
    ("glpat-abcdefghij0123456789", "glpat"), ("npm_abcdefghijklmnopqrstuvwxyz0123456789", "npm_"),
    ("github_pat_11ABCDEFG0abcdefghijkl_mnop", "github_pat"), ("SG.abcdefghijklmnop.qrstuvwxyz0123", "SG."),
    ('kaggle.json: {"username":"jd","key":"0123456789abcdef0123456789abcdef"}', "0123456789abcdef"),
    ("wandb login 0123456789abcdef0123456789abcdef01234567", "0123456789abcdef"),
    # labelled
    ("PIN: 482913", "482913"), ("PIN 4829 opens the archive, PIN=4829", "PIN=4829"), ("pin code: 4829", "4829"),
    ("TAN: 482913", "482913"), ("X-Api-Key=abc123def", "abc123def"), ("X-Api-Key: abc123def", "abc123def"),
    ("ldap://h/o=x????bindname=cn=jd,X-BINDPW=hunter2x", "hunter2x"), ("X-Auth-Token=hunter2xy", "hunter2xy"),
    ("X-Amz-Security-Token: FwoGZXIvYXdzEBY", "FwoGZX"), ("token=ab12", "ab12"), ("access_token=ab12", "ab12"), ("api_key=ab12", "ab12"),
    ("https://h.org/x?access_token=ab12&id=3", "ab12"), ("https://h.org/x?token=ab12&id=3", "ab12"), ("login jdoe / hunter2x", "hunter2x"),
    ("credentials: jdoe/hunter2x", "hunter2x"), ("user jdoe pass hunter2x", "hunter2x"), ("username: jdoe password: hunter2x", "hunter2x"),
    ("passphrase = correct horse", "correct"), ("解压密码：ab12", "ab12"),
    # as other formats escape them
    (r"https://h.org/x?a=1\u0026sig=hunter2x", "hunter2x"), (r"https:\/\/u:hunter2x@h.org\/x", "hunter2x"),
    ("https://h.org/x%3Fa%3D1%26sig%3Dhunter2x", "hunter2x"), ("go?u=h.org%2Fx%26sig%3Dhunter2x", "hunter2x"),
    ("a=1%26sig%3Dhunter2x", "hunter2x"), ("a=1%2526sig%253Dhunter2x", "hunter2x"), ("https://h.org/x?a=1&amp;sig=hunter2x", "hunter2x"),
    ("https://h.org/x?a=1&#38;sig=hunter2x", "hunter2x"),
    # addresses of mail as people hide them
    ("jane.doe at example.org", "jane.doe"), ("mail jane.doe AT example.org please", "jane.doe"), ("jane [at] example [dot] org", "jane"),
    ("jane (at) example (dot) org", "jane"), ("jane[at]example[dot]org", "jane"), ("jane dot doe at example dot org", "jane"),
    ("jane {at} example {dot} org", "jane"), ("jane_doe AT example DOT org", "jane_doe"), ("jane@example.org", "jane"),
    ("Contact: jdoe at cs.example.edu", "jdoe"),
    # whom a line names by its form
    ("Author: Quincy Dvorq", "Dvorq"), ("Authors: Ann Ostq, Quincy Dvorq and Lee Arq", "Arq"), ("Authors: Ann Ostq, Quincy Dvorq and Lee Arq", "Dvorq"),
    ("Contact: Quincy Dvorq", "Dvorq"), ("- **Point of Contact:** Quincy Dvorq", "Dvorq"), ("- **Curated by:** Quincy Dvorq, Ann Ostq", "Ostq"),
    ("**Point of Contact:** [Quincy Dvorq](mailto:q@example.org)", "Dvorq"), ("| Maintainer | Quincy Dvorq |", "Dvorq"),
    ("*Author*: Quincy Dvorq", "Dvorq"), ("__Contact__: Quincy Dvorq", "Dvorq"), ("Author(s): Quincy Dvorq", "Dvorq"),
    ("© 2021 Quincy Dvorq", "Dvorq"), ("(c) Quincy Dvorq 2021", "Dvorq"), ("Copyright 2021 Quincy Dvorq. All rights reserved.", "Dvorq"),
    ("&copy; 2021 Quincy Dvorq", "Dvorq"), ("Copyright © 2019-2021, Quincy Dvorq and Ann Ostq", "Ostq"),
    ("@misc{d, author = {Dvorq, Quincy and Ostq, Ann}, title = {T}}", "Dvorq"), ("see @article{x,\n author={Quincy Dvorq},\n title={T}} there", "Dvorq"),
    ('as in\n```\n@inproceedings{x,\n  author    = "Quincy Dvorq and Ann Ostq",\n  title = "T"\n}\n```', "Ostq"),
    ("This set was made by Quincy Dvorq.", "Dvorq"), ("a corpus by Quincy Dvorq", "Dvorq"), ("Quincy Dvorq <q@example.org>", "Dvorq"),
    ("Quincy Dvorq (q@example.org)", "Dvorq"), ("q@example.org (Quincy Dvorq)", "Dvorq"), ("Quincy Dvorq, q@example.org", "Dvorq"),
    ("Dr. Quincy Dvorq answers", "Dvorq"), ("ask Prof. Dvorq at the desk", "Dvorq"), ("Ms. Dvorq signed it", "Dvorq"),
    ("Signed: Quincy Dvorq", "Dvorq"), ("Signed-off-by: Quincy Dvorq", "Dvorq"), ("Quincy Dvorq et al., 2020", "Dvorq"), ("(Dvorq et al., 2020)", "Dvorq"),
    ("Maintainer: Dvorq, Quincy", "Dvorq"), ("Autor: Quincy Dvorq", "Dvorq"), ("Auteur : Quincy Dvorq", "Dvorq"),
    ("Ansprechpartner: Quincy Dvorq", "Dvorq"), ("Contacto: Quincy Dvorq", "Dvorq"), ("Автор: Иван Петровк", "Петровк"), ("作者：王晓明", "王晓明"),
    ("Quincy Dvorq, then dvorq and QUINCY DVORQ. Contact: Quincy Dvorq", "DVORQ"),
    ("Thanks to [@qdvorq1](https://github.com/qdvorq1) for adding this dataset.", "qdvorq1"),
    ("https://www.linkedin.com/in/quincy-dvorq-99", "dvorq"), ("https://twitter.com/qdvorq", "qdvorq"), ("https://x.com/qdvorq/status/123", "qdvorq"),
    ("https://t.me/qdvorq", "qdvorq"),
    ("https://h.org/users/qdvorq", "qdvorq"), ("https://h.org/people/quincy-dvorq/", "dvorq"), ("https://www.researchgate.net/profile/Quincy-Dvorq", "Dvorq"),
    ("https://scholar.google.com/citations?user=AbCdEfGAAAAJ&hl=en", "AbCdEfG"), ("https://mastodon.social/@qdvorq", "qdvorq"),
]  # fmt: skip

STAYS = [
    # numbers of nobody
    "0123 456 789", "+3 (2021) 123 4567", "offset 0123 456 789 of the index", "2021 123 4567", "ids 100-200-3000", "ISBN 978-0-306-40615-7",
    "ISBN 0-306-40615-2", "978-0-306-40615-7", "ISSN 2049-3630", "ISNI 0000 0001 2150 090X", "doi:10.1145/3442188.3445922",
    "https://doi.org/10.18653/v1/2020.acl-main.447", "10.5281/zenodo.4012345678", "2021-03-04 05:06:07", "20210304-050607", "04.03.2021",
    "2021/03/04 12:30", "PMID 31452104", "patent US 10,123,456 B2", "EP 1 234 567 B1", "arXiv:2005.14165v4", "CC-MAIN-2023-06",
    "1 234 567 890 tokens", "12 345 678 rows", "300,000,000,000", "id 0171 2345 678", "row 415-867-5309", "00 1234 5678 9012", "3.14159 26535 89793",
    "0.123 456 789", "(2021) 123 4567", "vol. 12 (2021) 123-4567", "pp. 0123-0456", "LDC2020T01", "Q42 P31 L12345", "ark:/13030/m5br8st1",
    "hdl:20.500.12345/6789", "ORD-2021-000123-4567", "1e-5 3e-4 0.0001", "EUR 1 234 567", "train 0800 valid 0100 test 0100",
    # queries, fragments, paging
    "https://h.org/oai?verb=ListRecords&resumptionToken=oai_dc!2020-01-01!2021-01-01!cursor=100!total=51234!aB3dE5fG7hJ9kL1mN3",
    "https://h.org/x?cursor=eyJpZCI6MTIzNDU2Nzg5MCwib2Zmc2V0IjoxMDB9aB3", "https://h.org/x?pageToken=CAoQAA12aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY",
    "https://h.org/x?next_page_token=aB3dE5fG7hJ9kL1mN3pQ5rS7tU9", "https://h.org/x?continuation=aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xYaB3dE5fG7",
    "https://h.org/x?after=aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xYaB3dE5fG7hJ9kL1mN3", "https://h.org/x?continuationToken=aB3dE5fG7hJ9kL1mN3pQ",
    "https://h.org/x?scroll_id=aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xYaB3dE5fG7hJ9kL1mN3", "pass=1", "pass=2 of 3", "pass: 0.95", "https://h.org/x?pass=1",
    "token is 50257 ids", "token=the", "token: word", "tokens=300", "max_token=512", "secret=no", "api_key=required", "https://h.org/x?sort=1#sec-2",
    "https://h.org/x?key=value&id=7#L10", "git:0123456789abcdef0123456789abcdef01234567", "https://github.com/o/r/tree/0123456789abcdef0123456789abcdef01234567",
    "o/r@0123456789abcdef", "revision e53f048856ff4f594e959d75785d2c2d37b678ee", "commit 0a1b2c3", "https://huggingface.co/datasets/o/n/resolve/refs%2Fconvert%2Fparquet/x",
    "pin the revision", "pin: main", "pin=v1.2", "pinned at 4829", "PIN diode 4829", "login / register", "login at example.org", "credentials: see below",
    "available at zenodo.org", "hosted at example.org", "look at example.org", "data at commoncrawl.org", "files at s3.amazonaws.com", "look at example dot md",
    "published at ACL", "released at huggingface.co", "meet at h.org",
    # whom nobody is
    "Author: OpenAI", "https://twitter.com/openai", "| Author | Book Title |\n|---|---|\n| a | b |", "Contact: see the website", "Curated by: The Acme Foundation", "© 2021 The Acme Foundation", "Copyright 2020 Google LLC",
    "by Creative Commons", "Distributed by Hugging Face", "Common Crawl et al. data", "Licensed under the Apache License", "by Attribution Only",
    "Author: unknown", "Author: various", "author identification", "Contact us", "Maintainer: n/a", "Authors retain copyright", "Copyright Notice",
    "| Author | string |", "author: string", "contact: GitHub issues", "English Wikipedia by Subject", "MS MARCO",
    "https://cs.example.edu/~qdvorq/data/corpus.tar.gz", "https://cs.example.edu/~enron/", "https://h.org/users/guide.html", "https://h.org/people", "https://github.com/openai",
    "https://twitter.com/", "https://x.com/search?q=a", "https://t.me/s", "https://www.linkedin.com/company/acme", "https://h.org/users/123456",
    "https://scholar.google.com/scholar?cluster=123", "https://medium.com/@jane/article-1",
]  # fmt: skip


def cleaned(text, stated="description"):
    """Return what stands in CLAIMS of a text."""
    row = _make_row("card/README.md", Claim(stated, text, "card/", "native", "/sources/0/x"), "00" * 32)
    return Gate(KEY, ["card/README.md"]).clean([row])[0]["value"]


@pytest.mark.parametrize(("text", "secret"), LEAKS)
def test_no_secret_and_nobody_stays(text, secret):
    once = cleaned(text)
    assert secret not in once
    assert cleaned(once) == once


@pytest.mark.parametrize("text", STAYS)
def test_what_is_nobodys_stays(text):
    assert cleaned(text) == text
