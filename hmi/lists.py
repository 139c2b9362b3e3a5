"""Forms and lists of the history as HTML; every foreign text is escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from hmi.asking import WHEN, Asked
from hmi.icons import icon
from hmi.view import findings_of
from hmi.words import Words
from inspector.domain import (
    FoundDefect,
    FoundDefects,
    HistoryRow,
    Moment,
    PartAnswer,
    PartKind,
    RecordedPart,
    kind_of_part,
    measured_text,
)

__all__ = ["answer", "ask_form", "found_table", "moments", "other_inspections", "pager", "rows_table", "words_form"]

_NAMES = {PartKind.PASS: "pass", PartKind.REVIEW: "review", PartKind.FAIL: "fail", PartKind.FAULT: "fault"}


def ask_form(asked: Asked, labels: Sequence[str], words: Words) -> str:
    """Show the search with what was asked."""
    when = "".join(
        f'<label class="key"><input type="radio" name="when" value="{name}"{_if(name == asked.when, "checked")}>'
        f"<span>{escape(words[f'when_{name}'])}</span></label>"
        for name in WHEN
    )
    own = "".join(
        _field(
            words[f"{name}_time"], f'<input type="datetime-local" name="{name}" value="{escape(getattr(asked, name))}">'
        )
        for name in ("since", "until")
    )
    classes = [("", words["class_any"]), *((label, words.title(label)) for label in labels)]
    kinds = [("", words["outcome_any"]), *((kind.value, words[_NAMES[kind]]) for kind in PartKind)]
    return (
        '<form method="get" action="/history">'
        f'<fieldset class="segments when"><legend class="unseen">{escape(words["when"])}</legend>{when}</fieldset>'
        f'<div class="fields own">{own}</div>'
        f'<div class="fields">{_text("part", asked.part, words["part_number"])}'
        f"{_choice('kind', asked.kind, kinds, words['outcome'])}"
        f"{_choice('label', asked.label, classes, words['class'])}"
        f"{_text('size_from', asked.size_from, words['size_from'], mode='decimal')}"
        f"{_text('size_to', asked.size_to, words['size_to'], mode='decimal')}"
        f"{_text('lot', asked.lot, words['lot'])}"
        f'<button class="key main" type="submit">{icon("history")}<span>{escape(words["find"])}</span></button></div>'
        "</form>"
    )


def words_form(asked: Asked, words: Words) -> str:
    """Show the search by description."""
    return (
        f'<form method="get" action="/history"><div class="fields">'
        f"{_text('words', asked.words, words['describe_defect'])}"
        f'<button class="key" type="submit">{icon("history")}<span>{escape(words["find_likest"])}</span></button>'
        "</div></form>"
    )


def found_table(found: FoundDefects, words: Words, now: datetime) -> str:
    """List the findings that a description found, the likest first; each leads to its part."""
    if not found.rows:
        said = words["nothing_found" if found.understood else "words_unknown"]
        return f'<p class="quiet empty">{icon("waiting")}{escape(said)}</p>'
    names = ("outcome", "part", "time", "finding", "largest", "zone", "likeness")
    head = "".join(f'<th scope="col">{escape(words[name])}</th>' for name in names)
    body = "".join(_found(item, words, now) for item in found.rows)
    note = f'<p class="quiet">{escape(words["likest_first"].format(searched=found.searched))}</p>'
    return f'{note}<table class="list"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _found(item: FoundDefect, words: Words, now: datetime) -> str:
    kind = _NAMES[item.kind]
    name = item.part_id.strip() or words["no_id"]
    size = f"{measured_text(item.size_mm)[0]} mm" if item.size_mm is not None else ""
    return (
        f'<tr class="list-{kind}"><td class="sort">{icon(kind)}<b>{escape(words[kind])}</b></td>'
        f'<td class="who">{_picture(item)}<a href="/part/{item.report_id}">{escape(name)}</a></td>'
        f"<td>{_moment(item.at, now)}</td><td>{escape(words.title(item.label))}</td>"
        f"<td>{escape(size)}</td><td>{escape(words.title(item.zone) if item.zone else '')}</td>"
        f"<td>{item.likeness:.2f}</td></tr>"
    )


def _picture(row: HistoryRow | FoundDefect) -> str:
    source = f"/api/v1/images/{row.report_id}?thumbnail=true"
    picture = f'<img src="{source}" alt="" loading="lazy">' if row.pictured else '<i class="no-image"></i>'
    return f'<span class="thumb-image">{picture}</span>'


def rows_table(rows: Sequence[HistoryRow], words: Words, now: datetime) -> str:
    """List the inspections; each leads to its part."""
    if not rows:
        return f'<p class="quiet empty">{icon("waiting")}{escape(words["nothing_found"])}</p>'
    names = ("outcome", "part", "time", "findings", "largest", "lot", "recipe", "disposition")
    head = "".join(f'<th scope="col">{escape(words[name])}</th>' for name in names)
    body = "".join(_row(row, words, now) for row in rows)
    return f'<table class="list"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _row(row: HistoryRow, words: Words, now: datetime) -> str:
    kind = _NAMES[row.kind]
    name = row.part_id.strip() or words["no_id"]
    size = f"{measured_text(row.largest_mm)[0]} mm" if row.largest_mm is not None else ""
    fault = words.get(f"fault_{row.fault.name.lower()}", row.fault.name) if row.kind is PartKind.FAULT else ""
    found = fault or ", ".join(words.title(label) for label in row.labels)
    decision = ""
    if row.decision is not None:
        decision = f"{words[f'decision_{row.decision.name.lower()}']} · {row.decided_by}"
    return (
        f'<tr class="list-{kind}"><td class="sort">{icon(kind)}<b>{escape(words[kind])}</b></td>'
        f'<td class="who">{_picture(row)}<a href="/part/{row.report_id}">{escape(name)}</a></td>'
        f"<td>{_moment(row.at, now)}</td><td>{escape(found)}</td><td>{escape(size)}</td>"
        f"<td>{escape(row.lot)}</td><td>{escape(row.recipe)}</td><td>{escape(decision)}</td></tr>"
    )


def pager(asked: Asked, older: str | None, words: Words, *, exports: Sequence[tuple[str, str]]) -> str:
    """Lead to the next page and back to the first, and to the rows as a file."""
    links = [
        f'<a class="key" href="{escape(asked.address())}">{escape(words["newest"])}</a>' if asked.before else "",
        f'<a class="key" href="{escape(asked.address(older))}">{escape(words["older"])} ›</a>' if older else "",
    ]
    files = "".join(f'<a class="key" href="{escape(url)}" download>{escape(name)}</a>' for name, url in exports)
    away = f"<span>{escape(words['take_away'])}</span>{files}" if files else ""
    return f'<span class="pages">{"".join(links)}</span><span class="away">{away}</span>'


def moments(told: Sequence[Moment], words: Words) -> str:
    """Tell what happened to a part, in order, each with its time to the millisecond."""
    lines = []
    for moment in told:
        what = words.get(f"decision_{moment.what.lower()}", moment.what)
        said = " · ".join(escape(text) for text in (what, moment.who, moment.detail) if text)
        lines.append(
            f'<li class="moment moment-{moment.kind}"><time datetime="{moment.at.isoformat()}">'
            f"{moment.at.astimezone():%m-%d %H:%M:%S.%f}"[:-3]
            + f"</time><b>{escape(words[f'moment_{moment.kind}'])}</b>"
            f"<span>{said}</span></li>"
        )
    return f'<h2>{escape(words["timeline"])}</h2><ol class="moments">{"".join(lines)}</ol>'


def answer(told: PartAnswer | None, part: RecordedPart, words: Words) -> str:
    """Show what the record says to a question, with the findings that it is about."""
    if told is None:
        return ""
    numbers = [item.number for item in findings_of(part.report, words) if item.detection in told.findings]
    links = "".join(
        f'<a class="key" href="#finding-{number}">{escape(words["finding"])} {number}</a>' for number in numbers
    )
    kind = "answered" if told.question is not None else "unanswered"
    return f'<p class="{kind}">{escape(told.text)}</p><p class="answer-links">{links}</p>'


def other_inspections(others: Sequence[RecordedPart], words: Words, now: datetime) -> str:
    """Lead to the part's other inspections; empty where there is none."""
    if not others:
        return ""
    links = "".join(
        f'<a class="key" href="/part/{part.report.id}">{icon(_NAMES[kind_of_part(part.report)])}'
        f"<span>{_moment(part.report.trigger.at, now)} {escape(words[_NAMES[kind_of_part(part.report)]])}</span></a>"
        for part in others
    )
    return f"<h2>{escape(words['other_inspections'])}</h2>{links}"


def _field(name: str, control: str) -> str:
    return f"<label>{escape(name)}{control}</label>"


def _text(name: str, value: str, said: str, *, mode: str = "text") -> str:
    return _field(said, f'<input name="{name}" value="{escape(value)}" inputmode="{mode}" autocomplete="off">')


def _choice(name: str, value: str, options: Sequence[tuple[str, str]], said: str) -> str:
    inside = "".join(
        f'<option value="{escape(option)}"{_if(option == value, "selected")}>{escape(shown)}</option>'
        for option, shown in options
    )
    return _field(said, f'<select name="{name}">{inside}</select>')


def _if(condition: bool, attribute: str) -> str:
    return f" {attribute}" if condition else ""


def _moment(at: datetime, now: datetime) -> str:
    local = at.astimezone(now.tzinfo)
    day = "" if local.date() == now.date() else f"{local:%Y-%m-%d} "
    return f'<time datetime="{at.isoformat()}">{day}{local:%H:%M:%S}</time>'
