"""The page's regions as HTML; every foreign text is escaped here and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from html import escape

from hmi.icons import icon
from hmi.view import Bar, FindingView, Row, findings_of, headline, kind_of
from hmi.words import Words
from inspector.domain import Alarm, Counts, HoldLine, HoldLot, Lamp, LampState, LineStatus, RecordedPart

__all__ = [
    "alert",
    "banner",
    "brand",
    "caption",
    "counts",
    "first_pass_yield",
    "held_by",
    "lamps",
    "measures",
    "report_text",
    "strip",
]

_SHOWN_FINDINGS = 50
_THUMB_ID = 4
_LONGEST_ID = 15
_RIGHT_PART = 0.6  # share of a bar beyond which the limit's text would run over the end
_LAMP_SIGNS = {True: "pass", False: "fail", None: "waiting"}
_LAMP_KINDS = {True: "good", False: "bad", None: "unknown"}


def brand(status: LineStatus, words: Words, *, notice: str = "") -> str:
    """Say who is speaking: line, whether it takes parts, recipe and model; ``notice`` is a badge as HTML."""
    ready = "ready" if status.ready else "not_ready"
    badge = f'<span class="badge badge-sim">{escape(words["simulated"])}</span>' if status.simulated else ""
    facts = [
        f'<span title="{escape(value)}">{escape(words[key])} <b>{escape(shown)}</b></span>'
        for key, value, shown in (
            ("recipe", status.recipe, status.recipe),
            ("model", status.model, _first_model(status.model)),
        )
        if value
    ]
    return (
        f'{icon("mark", "brand-mark")}<div class="brand-text">'
        f'<h1><span class="line-name">{escape(status.line)}</span>'
        f'<span class="badge badge-{ready}">{escape(words[ready])}</span>{badge}{notice}</h1>'
        f'<p class="facts">{"".join(facts)}</p></div>'
    )


def _first_model(model: str) -> str:
    """Return the first of several detectors without its backend, and how many there are beside it."""
    names = [name.partition(" (")[0] for name in model.split(", ")]
    return names[0] if len(names) == 1 else f"{names[0]} + {len(names) - 1}"


def lamps(status: LineStatus, words: Words, now: datetime) -> str:
    """Show the connections: sign, name, state in words, since when."""
    return "".join(_lamp(lamp, status.lamps[lamp], words, now) for lamp in Lamp if lamp in status.lamps)


def _lamp(lamp: Lamp, state: LampState, words: Words, now: datetime) -> str:
    kind = _LAMP_KINDS[state.good]
    warning = f'<span class="lamp-warning">{escape(words[f"warning_{state.warning}"])}</span>' if state.warning else ""
    return (
        f'<li class="lamp lamp-{kind}" data-lamp="{lamp.value}" title="{escape(state.detail)}">'
        f'{icon(lamp.value)}<div><span class="lamp-name">{escape(words[f"lamp_{lamp.value}"])}'
        f' <b>{icon(_LAMP_SIGNS[state.good])}<span class="lamp-word">{escape(words[f"lamp_{kind}"])}</span></b></span>'
        f'<span class="lamp-since"><span class="since-word">{escape(words["since"])} </span>'
        f"{_moment(state.since, now)}</span>{warning}</div>"
        "</li>"
    )


def held_by(held: HoldLine | HoldLot, words: Words) -> str:
    """Say who holds a line or a lot, and why: one of our words, or what somebody wrote."""
    why = f" · {escape(words.get(f'hold_{held.reason}', held.reason))}" if held.reason else ""
    return f"<b>{escape(words['held'])}</b> {escape(held.by)}{why}"


def alert(
    status: LineStatus,
    words: Words,
    *,
    alarms: Sequence[Alarm] | None = None,
    held: HoldLine | None = None,
    lot: HoldLot | None = None,
) -> str:
    """Say what is wrong with the line right now, and who holds it or the ``lot`` it makes; empty where nothing is.

    ``alarms`` know who has seen them; without them the lamps say it.
    """
    if alarms is None:
        alarms = [Alarm(lamp, state.since, state.detail) for lamp, state in status.lamps.items() if state.good is False]
    lost = [
        f"<span>{icon('fail')}<b>{escape(words[f'lamp_{alarm.lamp.value}'])}</b>"
        f" {escape(alarm.detail or words['lamp_bad'])}"
        + (f" · {escape(words['seen_by'])} {escape(alarm.acknowledged_by)}" if alarm.acknowledged_by else "")
        + "</span>"
        for alarm in alarms
    ]
    if held is not None:
        lost.append(f"<span>{icon('hold')}{held_by(held, words)}</span>")
    if lot is not None:
        lost.append(f"<span>{icon('hold')}<b>{escape(words['lot'])} {escape(lot.lot)}</b> {held_by(lot, words)}</span>")
    return "".join(lost)


def banner(part: RecordedPart | None, words: Words, *, earlier: bool, lot: HoldLot | None = None) -> str:
    """Show the verdict: sign, word, cause, part; and who holds its ``lot``."""
    if part is None:
        return _banner("waiting", words["waiting"], words["waiting_headline"], "")
    report = part.report
    kind = kind_of(report)
    tag = f'<span class="badge badge-earlier">{escape(words["earlier"])}</span>' if earlier else ""
    trigger = report.trigger
    name = trigger.part_id.strip() or words["no_id"]
    about = (
        f'<span class="label">{escape(words["part"])} {tag}</span>'
        f'<span class="part-id" title="{escape(name)}">{escape(_shortened(name))}</span>'
        f'<span class="when">{trigger.at.astimezone():%H:%M:%S}</span>'
    )
    if part.disposition is not None:
        decision = words[f"decision_{part.disposition.decision.name.lower()}"]
        about += f'<span class="disposition">{escape(words["disposition"])}: <b>{escape(decision)}</b></span>'
    if lot is not None:
        about += (
            f'<span class="disposition lot-held">{escape(words["lot"])} {escape(lot.lot)}: {held_by(lot, words)}</span>'
        )
    return _banner(kind, words[kind], headline(report, findings_of(report, words), words), about)


def _banner(kind: str, word: str, cause: str, about: str) -> str:
    return (
        f'<div class="verdict verdict-{kind}" data-kind="{kind}">{icon(kind, "verdict-sign")}'
        f'<div class="verdict-text"><strong class="verdict-word">{escape(word)}</strong>'
        f'<span class="verdict-cause">{escape(_keep_together(cause))}</span></div>'
        f'<div class="verdict-part">{about}</div></div>'
    )


def caption(part: RecordedPart | None, words: Words, *, lot: str = "") -> str:
    """Say where the picture was taken, of which lot, what was found and how long it took."""
    if part is None:
        return ""
    report = part.report
    found = len(report.detections.items) if report.detections else 0
    facts = [
        escape(report.trigger.station),
        *([f"{escape(words['lot'])} <b>{escape(lot)}</b>"] if lot else []),
        f"{escape(words['recipe'])} <b>{escape(report.verdict.recipe)}</b>",
        f"{escape(words['findings'])} <b>{found}</b>",
        f"<b>{report.timings.total_ms:.0f}</b> {escape(words['ms'])}",
    ]
    return "".join(f"<span>{fact}</span>" for fact in facts)


def report_text(part: RecordedPart | None, words: Words) -> str:
    """Show the report in the page's language, or in whichever there is; what a person corrected with both texts."""
    if part is None or not any(part.texts.values()):
        return _report("", f'<p class="quiet">{escape(words["no_report"])}</p>', words)
    language = words.language if part.texts.get(words.language) else next(iter(part.texts))
    author = _author(part.engines.get(language, ""), words)
    written = f"<p>{escape(_keep_together(part.texts[language]))}</p>"
    corrected = part.corrections.get(language)
    if corrected is None:
        return _report(author, written, words)
    by = words["corrected_by"].format(by=corrected.by, at=f"{corrected.at.astimezone():%Y-%m-%d %H:%M}")
    return _report(
        by,
        f'<p class="corrected">{escape(_keep_together(corrected.text))}</p><details class="original">'
        f'<summary class="key">{escape(words["text_original"])}</summary>{written}'
        f'<p class="quiet">{escape(author)}</p></details>',
        words,
    )


def _report(author: str, body: str, words: Words) -> str:
    by = f' <span class="author">{escape(author)}</span>' if author else ""
    return f"<h2>{escape(words['report'])}{by}</h2>{body}"


def _author(engine: str, words: Words) -> str:
    if engine == "template":
        return words["by_template"]
    return f"{words['written_by']} {engine}" if engine else ""


def measures(part: RecordedPart | None, words: Words) -> str:
    """Every finding with its figures; those held against a limit as bars."""
    findings = findings_of(part.report, words) if part is not None else ()
    head = f"<h2>{escape(words['measurements'])}</h2>"
    if not findings:
        kind = kind_of(part.report) if part is not None else "waiting"
        note = words[{"waiting": "waiting_headline", "fault": "not_measurable"}.get(kind, "no_measurements")]
        sign = icon(kind)
        return f'{head}<p class="quiet empty">{sign}{escape(note)}</p>'
    shown = "".join(_finding(finding, words) for finding in findings[:_SHOWN_FINDINGS])
    rest = len(findings) - _SHOWN_FINDINGS
    more = f'<li class="quiet">+ {rest} {escape(words["more"])}</li>' if rest > 0 else ""
    return f'{head}<ol class="findings">{shown}{more}</ol>'


def _finding(finding: FindingView, words: Words) -> str:
    zone = f'<span class="zone">{escape(words["zone"])} {escape(finding.zone)}</span>' if finding.zone else ""
    position = f"<span>{escape(finding.position)}</span>" if finding.position else ""
    score = f"<span>{escape(words['confidence'])} {escape(finding.score)}</span>" if finding.score else ""
    number = f'<b class="number">{finding.number}</b>' if finding.number else '<b class="number">–</b>'
    why = f'<span class="why">{escape(finding.why)}</span>' if finding.why else ""
    others = "".join(f"<span>{escape(row.name)} <b>{_value(row)}</b></span>" for row in finding.others)
    return (
        f'<li class="finding finding-{finding.kind}" id="finding-{finding.number}" data-number="{finding.number}">'
        f'<div class="finding-head">{number}{icon(finding.kind)}<b class="finding-name">{escape(finding.name)}</b>{why}'
        f'<span class="where">{zone}{position}{score}</span></div>'
        f"{''.join(_row(row, words) for row in finding.held)}"
        f'{f"""<div class="others">{others}</div>""" if others else ""}</li>'
    )


def _row(row: Row, words: Words) -> str:
    why = f'<span class="row-why">{escape(row.why)}</span>' if row.why else ""
    return (
        f'<div class="row row-{row.kind}"><span class="row-name">{escape(row.name)}</span>'
        f'<span class="row-value">{_value(row)}</span>{_bar(row, row.bar, words)}{why}</div>'
    )


def _value(row: Row) -> str:
    spread = f'<span class="spread"> ± {escape(row.spread)}</span>' if row.spread else ""
    unit = f' <span class="unit">{escape(row.unit)}</span>' if row.unit else ""
    return f"{escape(row.value)}{spread}{unit}"


def _bar(row: Row, bar: Bar | None, words: Words) -> str:
    if bar is None:
        return '<span class="bar bar-none"></span>'
    side = words["limit_max" if bar.upper else "limit_min"]
    whisker = (
        f'<i class="whisker" style="left:{_percent(bar.low)};width:{_percent(bar.high - bar.low)}"></i>'
        if bar.high > bar.low
        else ""
    )
    edge = "edge-right" if bar.limit > _RIGHT_PART else ""
    return (
        f'<span class="bar" role="img" aria-label="{escape(side)} {escape(row.limit)}">'
        f'<i class="fill" style="width:{_percent(bar.value)}"></i>{whisker}'
        f'<i class="limit" style="left:{_percent(bar.limit)}"></i>'
        f'<span class="limit-text {edge}" style="left:{_percent(bar.limit)}">{escape(side)} {escape(row.limit)}</span>'
        "</span>"
    )


def _percent(share: float) -> str:
    return f"{share * 100:.2f}%"


def first_pass_yield(tally: Counts, words: Words) -> str:
    """Show the yield of this run."""
    share = tally.first_pass_yield
    figure = "–" if share is None else f"{share * 100:.1f}<small> %</small>"
    return (
        f'<span>{escape(words["yield"])}</span><b data-count="yield">{figure}</b>'
        f"<span>{tally.total} {escape(words['parts'])}</span>"
    )


def counts(tally: Counts, words: Words) -> str:
    """Show what became of the parts of this run."""
    return "".join(
        f'<div class="count count-{kind}" data-count="{key}">{icon(kind)}<b>{number}</b>'
        f"<span>{escape(words[f'count_{key}'])}</span></div>"
        for key, kind, number in (
            ("passed", "pass", tally.passed),
            ("review", "review", tally.review),
            ("failed", "fail", tally.failed),
            ("faults", "fault", tally.faults),
        )
    )


def strip(parts: Sequence[RecordedPart], thumbnails: Sequence[str | None], chosen: str, words: Words) -> str:
    """Show the last parts, newest first; each is a button that brings it back."""
    return "".join(
        _thumb(part, source, chosen=str(part.report.id) == chosen, words=words)
        for part, source in zip(parts, thumbnails, strict=True)
    )


def _thumb(part: RecordedPart, source: str | None, *, chosen: bool, words: Words) -> str:
    kind = kind_of(part.report)
    name = part.report.trigger.part_id.strip() or words["no_id"]
    picture = (
        f'<img src="{escape(source)}" alt="" loading="lazy" draggable="false">'
        if source
        else '<i class="no-image"></i>'
    )
    return (
        f'<button type="button" class="thumb thumb-{kind}" data-report="{part.report.id}"'
        f' aria-pressed="{str(chosen).lower()}"'
        f' aria-label="{escape(words["part"])} {escape(name)}: {escape(words[kind])}">'
        f'<span class="thumb-image">{picture}</span>'
        f'<span class="thumb-text">{icon(kind)}<span class="thumb-id">{escape(_tail(name))}</span></span></button>'
    )


def _moment(at: datetime, now: datetime) -> str:
    local = at.astimezone()
    return f"{local:%H:%M}" if local.date() == now.date() else f"{local:%m-%d %H:%M}"


def _shortened(name: str) -> str:
    """Return a long part id without its middle: its ends say most."""
    return name if len(name) <= _LONGEST_ID else f"{name[:5]}…{name[6 - _LONGEST_ID :]}"


def _tail(name: str) -> str:
    """Return the end of a part id, where parts differ."""
    return name[-_THUMB_ID:]


def _keep_together(text: str) -> str:
    """Return the text with figure, uncertainty and unit on one line."""
    text = re.sub(r"(?<=\b[xXyY]) (?=\d)", "\u00a0", text)
    return re.sub(r"(?<=[\d±]) (?=[±\d%]|[a-zµ°]{1,3}[²³]?\b)", "\u00a0", text)
