"""The panels of the line's page as HTML; every foreign text is escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from hmi.icons import icon
from hmi.markup import held_by
from hmi.view import findings_of, headline, kind_of
from hmi.words import Words
from inspector.domain import Alarm, Connection, HoldLine, Lamp, LineStatus, Trial

__all__ = ["alarm_list", "connection_list", "hold_head", "trial_said"]

_STATES = {True: ("pass", "good"), False: ("fail", "bad"), None: ("waiting", "unknown")}


def hold_head(status: LineStatus, held: HoldLine | None, words: Words) -> str:
    """Say whether the line takes parts, and who holds it."""
    head = f"<h2>{escape(words['hold_line'])}</h2>"
    if held is not None:
        return f'{head}<p class="state state-held">{icon("hold")}{held_by(held, words)}</p>'
    sign, word = ("pass", "ready") if status.ready else ("waiting", "not_ready")
    note = escape(words["why_hold"])
    return f'{head}<p class="state state-{sign}">{icon(sign)}<b>{escape(words[word])}</b></p><p>{note}</p>'


def alarm_list(alarms: Sequence[Alarm], words: Words, now: datetime) -> str:
    """List what is lost, since when, and who has seen it."""
    head = f"<h2>{escape(words['alarms'])}</h2>"
    if not alarms:
        return f'{head}<p class="quiet">{icon("pass")} {escape(words["no_alarm"])}</p>'
    return head + "".join(
        f'<p class="alarm" data-lamp="{alarm.lamp}">{icon("fail")}<b>{escape(words[f"lamp_{alarm.lamp}"])}</b> '
        f"{escape(alarm.detail or words['lamp_bad'])} · {escape(words['since'])} {_clock(alarm.since, now)}"
        + (
            f" · {icon('pass')} {escape(words['seen_by'])} {escape(alarm.acknowledged_by)}"
            if alarm.acknowledged_by
            else ""
        )
        + "</p>"
        for alarm in alarms
    )


def connection_list(connections: Sequence[Connection], status: LineStatus, words: Words, now: datetime) -> str:
    """List what the line is connected to, with its lamp where it has one."""
    rows = "".join(_connection(item, status, words, now) for item in connections)
    model = f"<tr><th scope=row>{escape(words['model'])}</th><td></td><td>{escape(status.model)}</td></tr>"
    body = rows + model + _writing(status, words)
    return f'<h2>{escape(words["connections"])}</h2><table class="list facts-list"><tbody>{body}</tbody></table>'


def _writing(status: LineStatus, words: Words) -> str:
    """Say who has written the reports of this run, and why the template did in its place."""
    writing = status.writing
    if writing is None:
        return ""
    told = f"{writing.engine} · {words['texts_written']} {writing.written}"
    if instead := sum(writing.instead.values()):
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(writing.instead.items()))
        told += f" · {words['texts_instead']} {instead} ({reasons})"
    return f'<tr data-row="writing"><th scope=row>{escape(words["texts"])}</th><td></td><td>{escape(told)}</td></tr>'


def _connection(item: Connection, status: LineStatus, words: Words, now: datetime) -> str:
    lamp = status.lamps.get(Lamp(item.name)) if item.name in Lamp.__members__.values() else None
    state = ""
    if lamp is not None:
        sign, kind = _STATES[lamp.good]
        state = f"{icon(sign)} {escape(words[f'lamp_{kind}'])} {escape(words['since'])} {_clock(lamp.since, now)}"
    name = words.get(f"lamp_{item.name}", words.get(f"connected_{item.name}", item.name))
    address = f"{item.kind} · {item.address}" if item.address else item.kind
    return f"<tr><th scope=row>{escape(name)}</th><td>{state}</td><td>{escape(address)}</td></tr>"


def trial_said(trial: Trial, words: Words) -> str:
    """Say what became of the picture taken by hand."""
    report = trial.part.report
    kind = kind_of(report)
    cause = headline(report, findings_of(report, words), words)
    return (
        f'<p class="state trial-{kind}" data-trial="{trial.number}">{icon(kind)}<b>{escape(words[kind])}</b> '
        f"{escape(cause)} · {escape(trial.by)} {report.trigger.at.astimezone():%H:%M:%S}</p>"
    )


def _clock(at: datetime, now: datetime) -> str:
    local = at.astimezone(now.tzinfo)
    return f"{local:%H:%M:%S}" if local.date() == now.date() else f"{local:%m-%d %H:%M}"
