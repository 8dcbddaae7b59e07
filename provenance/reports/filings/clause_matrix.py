"""The clause matrix: each requirement of a legal instrument, what the tool found, what the responsible person says.

The table of sources answers source, scale and type of the training data. What nobody answered is a box to fill in by
hand. Everything comes from sealed tables and signed declarations; what was declared after the scan is shown, and does
not count in its results.

Source: for `cn-interim-measures`, Article 19 (what has to be explained on inspection); every profile names its own.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from provenance.core.model import ASSESSED, NOT_EXAMINED, OBSERVED, SEVERITIES
from provenance.core.wording import count_noun
from provenance.profiles.judgement import overall
from provenance.reports.filings import document
from provenance.reports.filings.document import Block, Cell, Heading, Line, Paragraph, Style, Table, bilingual
from provenance.reports.report_format import ReportedScan, ReportFormat
from provenance.reports.result_words import NOT_ASSESSED, RESULT_WORDS, choose_style, name_licence
from provenance.reports.text import describe_gaps, format_bytes
from provenance.sources.unheard_statements import list_unread_documents

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

MOST_SHOWN = 6
"""Findings of one requirement named beside it at most; the annex has the rest."""

MOST_LISTED = 1000
"""Findings in the annex at most; the rest is counted."""

FORCE_ZH = {"shall": "应当", "should": "宜", "practice": "不设义务"}
FORCE_EN = {"shall": "shall", "should": "should", "practice": "no duty by itself"}
TEXT_READINGS = {
    "primary": ("read in the original or a verbatim copy", "已读原文或逐字引文"),
    "draft": ("read as a draft", "仅读草案"),
    "secondary": ("read in a secondary source only", "仅据二手资料"),
    "unconfirmed": ("look it up before signing", "未经核实，签署前请查对原文"),
}
ANSWER_WORDS = {"yes": ("yes", "是"), "no": ("no", "否"), "not-applicable": ("not applicable", "不适用")}
ENTRY_KINDS = {"assessment": "评估", "draft": "草稿"}


def compose(
    tables: Mapping[str, pa.Table],
    facts: Mapping[str, Any],
    declared: Sequence[tuple[int, str, Mapping[str, Any]]],
    *,
    keyid: str,
    acts: Sequence[str] = (),
) -> list[Block]:
    """Compose the matrix of every legal instrument that a scan was judged by.

    Args:
        tables: the tables of schemas.SEALED by name.
        facts: what the entry says of itself.
        declared: declarations of the ledger, the oldest first: number of the entry, its digest, its predicate.
        keyid: fingerprint of the key that signed the entry.
        acts: what people did about the scans of the ledger, one sentence each: waivers, draws, reviews, ...

    Returns:
        The document's blocks; write them with `document.render_html` or `document.render_markdown`.
    """
    rows = tables["verdicts"].to_pylist()
    named = {each["name"]: each for each in facts["profiles"]}
    instruments = [name for name in named if any(row["profile"] == name and row["asked"] for row in rows)] or [*named]
    blocks: list[Block] = []
    for name in instruments:
        own_rows = [row for row in rows if row["profile"] == name]
        blocks += _opening(named[name], facts)
        blocks += _coverage(tables)
        blocks += _particulars(tables, facts, named[name], declared, keyid, acts)
        blocks += _summary(own_rows)
        blocks += _matrix(own_rows, tables, declared, facts["log"]["index"])
        blocks += _training_data(tables)
        blocks += _signatures()
        blocks += _annex(own_rows, tables)
    return blocks


def _opening(profile: Mapping[str, Any], facts: Mapping[str, Any]) -> list[Block]:
    kind = str(facts["kind"])
    notice = [
        Line(
            "Not legal advice. No word in this table says that anything is legal or illegal. What a tool observed "
            "rates no clause; what is assessed is the word of the person who is named beside it."
        ),
        Line(
            "本表不构成法律意见。表中内容均不表示合法或者违法：工具核查结果不对条款作出评估，评估结论由所列评估人作出。",
            chinese=True,
        ),
    ]
    if kind != "assessment":
        notice += bilingual(
            "DRAFT: it claims nothing. An assessment is made with --assess.", "草稿：不作任何声明。", "strong"
        )
    if facts.get("config", {}).get("sample"):
        notice += bilingual("SAMPLED: not all of the data was looked at.", "抽样：未核查全部数据。", "strong")
    return [
        Heading(1, bilingual(f"Clause matrix: {profile.get('title', profile['name'])}", _title(profile))),
        Paragraph(tuple(notice), notice=True),
    ]


def _title(profile: Mapping[str, Any]) -> str | None:
    return f"条款对照表：{profile['title_zh']}" if profile.get("title_zh") else None


def _coverage(tables: Mapping[str, pa.Table]) -> list[Block]:
    lines = [Line(each) for each in describe_gaps(tables)]
    return [
        Heading(2, bilingual("What was not looked at", "未核查的内容")),
        Paragraph(
            tuple(lines) or bilingual("Nothing: every byte of every file was read.", "无：全部文件均已完整读取。")
        ),
    ]


def _particulars(
    tables: Mapping[str, pa.Table],
    facts: Mapping[str, Any],
    profile: Mapping[str, Any],
    declared: Sequence[tuple[int, str, Mapping[str, Any]]],
    keyid: str,
    acts: Sequence[str],
) -> list[Block]:
    data = facts.get("dataDigest", {}).get("sha256", "not recorded by this version")
    records = sum(tables["sources"]["records"].to_pylist())
    local = (
        "; made by a first scan: it identifies nobody until its fingerprint is known"
        if facts["keys"] == "local"
        else ""
    )
    counted = {each["entry"] for each in facts.get("declarations", ())}
    declarations = [_declaration(entry, each, counted=entry in counted) for entry, _, each in declared]
    rows: list[tuple[Cell, Cell]] = [
        (
            bilingual("Data", "数据"),
            (
                Line(
                    f"{facts['data']}: {count_noun(tables['sources'].num_rows, 'source')}, "
                    f"{count_noun(records, 'record')}"
                ),
            ),
        ),
        (bilingual("Data digest", "数据摘要值"), (Line(f"SHA-256 {data}", style="code"),)),
        (bilingual("Purpose", "用途"), (Line(facts["purpose"]),)),
        (bilingual("Kind of entry", "记录性质"), bilingual(facts["kind"], ENTRY_KINDS.get(facts["kind"]))),
        (
            bilingual("Ledger entry", "台账记录"),
            (Line(f"{facts['log']['index']} of {facts['log']['origin']}"), Line(f"keyid {keyid}{local}", style="code")),
        ),
        (
            bilingual("Scanned", "核查时间"),
            (Line(f"{facts['startedOn']} to {facts['finishedOn']} (UTC; claimed, not proven)"),),
        ),
        (
            bilingual("Tool", "工具"),
            (
                Line(f"{facts['scanner']['name']} {facts['scanner']['version']}"),
                Line(f"SHA-256 {facts['scanner']['digest']['sha256']}", style="code"),
            ),
        ),
        (
            bilingual("Rules", "规则"),
            (
                Line(f"profile {profile['name']}, version {profile.get('version', 'not recorded')}"),
                Line(f"SHA-256 {profile['digest']['sha256']}", style="code"),
            ),
        ),
        (
            bilingual("Declarations", "责任人声明"),
            tuple(declarations) or bilingual("none in this ledger", "本台账中尚无声明"),
        ),
        (
            bilingual("Waivers, draws, reviews, decisions", "豁免、抽样、评审、处置"),
            tuple(Line(each) for each in acts) or bilingual("none in this ledger", "本台账中尚无记录"),
        ),
        (
            bilingual("How to check this", "核验方法"),
            (Line("provenance verify LEDGER; without this program, VERIFY.md in the ledger needs OpenSSL alone"),),
        ),
    ]
    return [Heading(2, bilingual("What this is about", "基本信息")), Table((), rows)]


def _declaration(entry: int, predicate: Mapping[str, Any], *, counted: bool) -> Line:
    by = predicate["by"]
    whose = ", ".join([by["name"], by["role"], *([by["organisation"]] if "organisation" in by else [])])
    after = "" if counted else "; given after this scan, so the results below do not count it"
    return Line(f"entry {entry}: {whose}, {predicate['date']}, answers: {len(predicate['answers'])}{after}")


def _summary(rows: Sequence[Mapping[str, Any]]) -> list[Block]:
    results = [overall(elements) for _, elements in _requirements(rows)]
    blocks: list[Block] = [Heading(2, bilingual("Results", "结果汇总"))]
    for title, words, found in (
        (bilingual("Observed by the tool", "工具核查结果"), OBSERVED, [observed for observed, _ in results]),
        (bilingual("Assessed by a person", "评估结论"), ASSESSED, [assessed for _, assessed in results if assessed]),
    ):
        listed = [(bilingual(word, *RESULT_WORDS[word]), (Line(str(found.count(word))),)) for word in words]
        if left := len(results) - len(found):
            listed.append((bilingual(*NOT_ASSESSED, "open"), (Line(str(left)),)))
        blocks.append(Table((title, bilingual("Requirements", "要求数")), listed, (30, 70)))
    return blocks


def _requirements(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    return [(name, list(elements)) for name, elements in groupby(rows, key=lambda row: str(row["requirement"]))]


def _matrix(
    rows: Sequence[Mapping[str, Any]],
    tables: Mapping[str, pa.Table],
    declared: Sequence[tuple[int, str, Mapping[str, Any]]],
    index: int,
) -> list[Block]:
    findings = {row["fingerprint"]: row for row in tables["findings"].to_pylist()}
    coverage = {row["check"]: row for row in tables["coverage"].to_pylist()}
    head = (
        bilingual("Clause", "条款"),
        bilingual("Requirement and results", "要求与结果"),
        bilingual("What the tool found", "工具核查结果"),
        bilingual("What the responsible person says", "责任人声明"),
    )
    body = [
        (
            _clause(elements[0]),
            _requirement_cell(elements),
            _observed_cell(elements, findings, coverage),
            _answers_cell(elements, declared, index),
        )
        for _, elements in _requirements(rows)
    ]
    looked_up = sorted({each for row in rows for each in row["references"]})
    where = [Line("Where to look the clauses up:"), *(Line(each, style="small") for each in looked_up)]
    return [
        Heading(2, bilingual("Clause by clause", "逐条对照")),
        Table(head, body, (14, 20, 33, 33)),
        *([Paragraph(tuple(where))] if looked_up else []),
    ]


def _clause(row: Mapping[str, Any]) -> Cell:
    read, read_zh = TEXT_READINGS[row["text"]]
    style: Style = "open" if row["text"] in {"unconfirmed", "secondary"} else "small"
    return (
        *bilingual(row["clause"], row["clause_zh"], "strong"),
        *bilingual(FORCE_EN[row["modality"]], FORCE_ZH[row["modality"]]),
        *bilingual(f"text: {row['text']}, {read}", f"文本：{read_zh}", style),
    )


def _requirement_cell(elements: Sequence[Mapping[str, Any]]) -> Cell:
    """What is required, what was observed over all its elements, and what was assessed."""
    row, (observed, assessed) = elements[0], overall(elements)
    note = bilingual(row["note"], row["note_zh"], "small") if row["note"] else ()
    words = (*bilingual("observed", "核查结果", "small"), *bilingual(observed, *RESULT_WORDS[observed]))
    chinese, style = RESULT_WORDS[assessed][0] if assessed else NOT_ASSESSED[1], choose_style(assessed, observed)
    words += (*bilingual("assessed", "评估结论", "small"), *bilingual(assessed or NOT_ASSESSED[0], chinese, style))
    return (*bilingual(row["title"], row["title_zh"]), *note, *words)


def _observed_cell(
    elements: Sequence[Mapping[str, Any]],
    findings: Mapping[str, Mapping[str, Any]],
    coverage: Mapping[str, Mapping[str, Any]],
) -> Cell:
    """For each element that the tool looks at: what it saw, and how much of the data it looked at."""
    lines: list[Line] = []
    looked = [row for row in elements if row["answered_by"] == "machine"]
    for row in looked:
        if row["asks"]:
            lines += bilingual(row["asks"], row["asks_zh"])
        lines += bilingual(row["observed"], *RESULT_WORDS[row["observed"]])
        lines += bilingual(row["reason"], f"相关发现 {row['findings']} 项" if row["findings"] else None)
        lines += _name_findings(row["fingerprints"], findings)
        lines.append(Line(_describe_checks(row["checks"], coverage), style="small"))
    return tuple(lines) if looked else bilingual("The tool looks at nothing here.", "工具对此不作核查。", "small")


def _name_findings(fingerprints: Sequence[str], findings: Mapping[str, Mapping[str, Any]]) -> list[Line]:
    known = _rank_findings(fingerprints, findings)
    lines = []
    for row in known[:MOST_SHOWN]:
        lines.append(Line(f"{row['severity']}: {row['check']}: {_weight(row)}"))
        if row.get("waived"):
            lines.append(Line(f"accepted, and counted all the same: {row['waived']}", style="small"))
        lines.append(Line(row["fingerprint"], style="code"))
    if len(known) > MOST_SHOWN:
        lines.append(Line(f"and {len(known) - MOST_SHOWN:,} more, in the annex"))
    return lines


def _rank_findings(fingerprints: Sequence[str], findings: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    known = [findings[each] for each in fingerprints if each in findings]
    return sorted(known, key=lambda row: (SEVERITIES.index(row["severity"]), row["source"], row["check"]))


def _weight(row: Mapping[str, Any]) -> str:
    return f"{row['source']} ~ {row['other']}" if row["other"] else str(row["source"])


def _annex(rows: Sequence[Mapping[str, Any]], tables: Mapping[str, pa.Table]) -> list[Block]:
    """Every finding that the matrix counts, whole: its sentence, and what it does not prove."""
    findings = {row["fingerprint"]: row for row in tables["findings"].to_pylist()}
    listed = [(row, found) for row in rows for found in _rank_findings(row["fingerprints"], findings)]
    head = (
        bilingual("Clause", "条款"),
        bilingual("Finding", "发现"),
        bilingual("What it says, and what it does not prove", "内容及其限度"),
    )
    body = [
        (
            bilingual(row["clause"], row["clause_zh"]),
            (
                Line(f"{found['severity']}: {found['check']}", style="strong"),
                Line(_weight(found)),
                Line(found["fingerprint"], style="code"),
            ),
            (Line(found["message"]), Line(found["limits"], style="small")),
        )
        for row, found in listed[:MOST_LISTED]
    ]
    more = f"and {len(listed) - MOST_LISTED:,} more, in findings.parquet of the scan, which the entry binds"
    return [
        Heading(2, bilingual("Annex: findings", "附件：发现明细")),
        Table(head, body, (14, 30, 56)) if body else Paragraph(bilingual("None.", "无。")),
        *([Paragraph((Line(more),))] if len(listed) > MOST_LISTED else []),
    ]


def _describe_checks(checks: Sequence[str], coverage: Mapping[str, Mapping[str, Any]]) -> str:
    """Say which checks looked, at how many records, and which did not."""
    rows = [coverage[check] for check in checks if check in coverage]
    ran = [row["check"] for row in rows if row["status"] == "ran"]
    parts = (
        [f"looked: {', '.join(ran)} at {count_noun(max(row['records_seen'] for row in rows), 'record')}"] if ran else []
    )
    parts += [f"{row['check']} {row['status']}: {row['reason']}" for row in rows if row["status"] != "ran"]
    missing = [check for check in checks if check not in coverage]
    return "; ".join([*parts, *([f"not there: {', '.join(missing)}"] if missing else [])])


def _answers_cell(
    elements: Sequence[Mapping[str, Any]], declared: Sequence[tuple[int, str, Mapping[str, Any]]], index: int
) -> Cell:
    """The answer to each question, or a box; the newest answer given before the scan, then one given after it."""
    lines: list[Line] = []
    questions = [row for row in elements if row["answered_by"] != "machine"]
    for row in questions:
        english = row["asks"] + (" [documents]" if row["answered_by"] == "document" else "")
        chinese = (
            f"{row['asks_zh']}{'【附文件】' if row['answered_by'] == 'document' else ''}" if row["asks_zh"] else None
        )
        lines += bilingual(english, chinese, "strong")
        given = _answers(row, declared)
        before = [each for each in given if each[0] < index][-1:]
        after = [each for each in given if each[0] > index][-1:]
        for entry, by, answer in before + after:
            lines += _answer(entry, by, answer, late=entry > index)
        if before:
            lines += _assessment(row)
        if not before and not after:
            outside = "   ☐ not applicable 不适用" if row["conditional"] else ""
            lines.append(Line(f"☐ yes 是   ☐ no 否{outside}"))
            lines.append(Line("", style="box"))
    if not questions:
        lines += bilingual("Nothing is asked here.", "此处无须声明。", "small")
    return tuple(lines)


def _assessment(row: Mapping[str, Any]) -> list[Line]:
    """What an answer that was given before the scan came to."""
    assessed, observed = row["assessed"], row["observed"]
    style = choose_style(assessed, observed)
    lines = list(bilingual(assessed, RESULT_WORDS[assessed][0], style)) if assessed else []
    if row["assessor"]:
        lines.append(Line(row["assessor"], style="small"))
    if observed != NOT_EXAMINED:
        lines += bilingual(observed, *RESULT_WORDS[observed])
    return [*lines, Line(row["reason"], style="small")]


def _answers(
    row: Mapping[str, Any], declared: Sequence[tuple[int, str, Mapping[str, Any]]]
) -> list[tuple[int, Mapping[str, Any], Mapping[str, Any]]]:
    key = (row["profile"], row["requirement"], row["asked"])
    return [
        (entry, declaration["by"] | {"date": declaration["date"]}, answer)
        for entry, _, declaration in declared
        for answer in declaration["answers"]
        if (answer["profile"], answer["requirement"], answer["element"]) == key
    ]


def _answer(entry: int, by: Mapping[str, Any], answer: Mapping[str, Any], *, late: bool) -> list[Line]:
    english, chinese = ANSWER_WORDS[answer["says"]]
    lines = [Line(f"☒ {english} {chinese}", style="strong")]
    if answer["statement"]:
        lines.append(Line(answer["statement"]))
    for each in answer["documents"]:
        lines.append(Line(f"{each['name']} ({each['bytes']:,} bytes)"))
        lines.append(Line(f"SHA-256 {each['digest']['sha256']}", style="code"))
    until = f", until {answer['until']}" if "until" in answer else ""
    lines.append(Line(f"{by['name']}, {by['role']}, {by['date']}{until}; ledger entry {entry}", style="small"))
    if late:
        lines += bilingual(
            "Given after this scan: the results do not count it.", "本声明晚于本次核查，结果未予计入。", "open"
        )
    return lines


def _training_data(tables: Mapping[str, pa.Table]) -> list[Block]:
    """Source, scale and type of all training data: what an inspection asks to have explained."""
    sources, unread = tables["sources"].to_pylist(), list_unread_documents(tables["files"])
    head = (
        bilingual("Source", "来源"),
        bilingual("Kind of source", "来源类型"),
        bilingual("Type", "数据类型"),
        bilingual("Licence of the data", "数据许可"),
        bilingual("Records", "记录数"),
        bilingual("Bytes", "字节数"),
        bilingual("Words", "词数"),
    )
    body = [_source(row, unread) for row in sorted(sources, key=lambda row: (-row["bytes"], row["source"]))]
    sums = [sum(row[name] for row in sources) for name in ("records", "bytes", "tokens")]
    total = (bilingual("All", "合计", "strong"), (), (), (), *((Line(f"{each:,}", style="strong"),) for each in sums))
    sentence = (
        "Words are counted after normalisation v1, one for each Han character; a model's tokens are another number. "
        "The kind of source is as the data's manifests declare it; so is the type, else text where records hold text."
    )
    sentence_zh = (
        "词数按规范化规则第1版统计，每个汉字计为一词，与模型的 token 数不同。"
        "来源类型以数据所附清单的声明为准；数据类型亦同，未声明而记录含文本的，计为文本。"
    )
    return [
        Heading(2, bilingual("Training data: source, scale, type", "训练数据一览表：来源、规模、类型")),
        Table(head, [*body, total], (25, 13, 15, 17, 9, 12, 9), frozenset({4, 5, 6})),
        Paragraph(bilingual(sentence, sentence_zh, "small")),
    ]


def _source(row: Mapping[str, Any], unread: Mapping[str, Sequence[str]]) -> Sequence[Cell]:
    licence = name_licence(row, unread)
    absent = bilingual("not declared", "未声明", "open")
    languages = f"{', '.join(row['languages'])}" if row["languages"] else ""
    country = f"country: {row['country']}" if row["country"] else ""
    kind = [Line(each) for each in (row["kind"], country) if each]
    types = [Line(each) for each in (row["modality"], languages) if each]
    return (
        (Line(row["source"]), *([Line(row["name"], style="small")] if row["name"] else [])),
        tuple(kind) or absent,
        tuple(types) or absent,
        (Line(licence),),
        (Line(f"{row['records']:,}"),),
        (Line(f"{row['bytes']:,}"), Line(format_bytes(row["bytes"]), style="small")),
        (Line(f"{row['tokens']:,}"),),
    )


def _signatures() -> list[Block]:
    head = (
        bilingual("Responsible person", "责任人"),
        bilingual("Reviewed by", "复核人"),
        bilingual("Legal representative", "法定代表人"),
        bilingual("Seal and date", "盖章及日期"),
    )
    notice = bilingual(
        "Who signs has looked up every clause marked other than `primary`, and read what was not looked at.",
        "签署人已查对所有未标注为“primary”的条款，并已阅读“未核查的内容”。",
    )
    row = tuple((Line("", style="seal"),) for _ in head)
    return [Heading(2, bilingual("Signatures", "签署")), Paragraph(notice), Table(head, [row], (25, 25, 25, 25))]


def _compose(scan: ReportedScan) -> list[Block]:
    keyid = "" if scan.seal is None else scan.seal.keyid
    return compose(scan.tables, scan.facts, scan.declared, keyid=keyid, acts=scan.history)


REPORT = (
    ReportFormat(
        "clause-matrix-html", lambda scan: document.render_html(_compose(scan)), is_filing=True, shows_ledger=True
    ),
    ReportFormat(
        "clause-matrix-md", lambda scan: document.render_markdown(_compose(scan)), is_filing=True, shows_ledger=True
    ),
)
