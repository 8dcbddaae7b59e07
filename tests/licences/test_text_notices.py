"""Notices of licences in records: tags, heads of code, JSON in strings; what is only spoken of is none."""

from __future__ import annotations

import pyarrow as pa
import pytest

from provenance.core import schemas
from provenance.licences.expressions import normalise
from provenance.licences.text_notices import find_text_notices

GPL = """/* Copyright (C) 2010 Acme
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 2 of the License, or
 * (at your option) any later version.
 */
int f() { return 1; }"""
LESSER = """# This library is free software: you can redistribute it and/or modify it under the terms of the
# GNU Lesser General Public License, version 3, and nothing else."""

NOTICES = {
    "a tag in Python": ({"whole": "# SPDX-License-Identifier: AGPL-3.0-only\ndef g(): return 2"}, ["AGPL-3.0-only"]),
    "a tag in C": ({"whole": "/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */"},
                   ["GPL-2.0-only WITH Linux-syscall-note"]),
    "a tag in HTML": ({"whole": "<!-- SPDX-License-Identifier: CC-BY-NC-4.0 -->\n<p>"}, ["CC-BY-NC-4.0"]),
    "a choice": ({"whole": "// SPDX-License-Identifier: (MIT OR Apache-2.0)\n"}, ["MIT OR Apache-2.0"]),
    "or later": ({"whole": GPL}, ["GPL-2.0-or-later"]),
    "lesser, without later": ({"whole": LESSER}, ["LGPL-3.0-only"]),
    "Apache": ({"whole": '# Licensed under the Apache License, Version 2.0 (the "License");'}, ["Apache-2.0"]),
    "secrecy": ({"whole": "// Acme Inc. Proprietary and confidential.\n"}, ["LicenseRef-provenance-all-rights-reserved"]),
    "JSON in a string": ({"whole": "x", "aside": '{"license": "cc-by-nc-4.0", "url": "u"}'}, ["CC-BY-NC-4.0"]),
    "a list in it": ({"whole": "x", "aside": '{"detected_licenses": ["MIT", "GPL-2.0"]}'}, ["GPL-2.0-only AND MIT"]),
    "only spoken of": ({"whole": "Write `SPDX-License-Identifier: MIT` into each of your files."}, []),
    "far below": ({"whole": "word " * 2000 + "\n# SPDX-License-Identifier: MIT"}, []),
    "plain": ({"whole": "We may redistribute it tomorrow.", "aside": "a licence to fish"}, []),
    "nothing": ({}, []),
}  # fmt: skip


@pytest.mark.parametrize("case", NOTICES)
def test_a_record_s_own_notice_is_read(case):
    record, expected = NOTICES[case]
    rows = [{"row": 0}, {"row": 1} | record, {"row": 2, "whole": "other words"}]
    batch = pa.RecordBatch.from_pylist(rows, schema=schemas.RECORDS)
    found = [column.to_pylist() for column in find_text_notices(batch)]
    assert all(column[0] is None and column[2] is None for column in found)
    assert [normalise(column[1]).expression for column in found if column[1]] == expected
