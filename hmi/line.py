"""The line: hold and release, recipe, alarms, one picture by hand, and what it is connected to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from html import escape

from nicegui import run, ui

from hmi import markup, panels
from hmi.elements import BoardPicture, Region, key
from hmi.house import Visit
from hmi.icons import icon
from hmi.lots import LotsPanel
from hmi.naming import NamesPanel
from hmi.scenes import scene_of
from hmi.shell import Shell
from inspector.domain import (
    HOLD_REASONS,
    AcknowledgeAlarm,
    Act,
    HoldLine,
    LineCommand,
    LineDesk,
    LineError,
    NotAllowed,
    RecordedPart,
    ReleaseLine,
    SelectRecipe,
    StartChallengeTest,
    StoreError,
    Trial,
    TriggerOnce,
    may,
)

__all__ = ["LinePage"]

_TICK_S = 0.5
_LOOK_EVERY = 20  # ticks: names are changed elsewhere, too


class LinePage:
    """One open tab on the line."""

    def __init__(self, visit: Visit, desk: LineDesk) -> None:
        self._visit, self._house, self._desk = visit, visit.house, desk
        self._recipe: str | None = None
        self._trial: Trial | None = None
        self._ticks = 0
        self._shell = Shell(visit, title="line_page", here="/line", changed=self._show)
        with self._shell.body:
            with ui.element("div").classes("column"):
                self._said = Region("p", "said", role="status")
                self._lay_out_hold()
                self._lots = LotsPanel(desk, act=self._act, allow=self._allow)
                self._lay_out_recipe()
                with ui.element("section").classes("panel act alarms"):
                    self._alarms = Region("div", "alarm-list")
                    self._seen = key(partial(self._act, AcknowledgeAlarm), "", "act-key acknowledge")
            with ui.element("div").classes("column"):
                with ui.element("section").classes("panel act trial"):
                    self._trial_head = Region("div", "trial-head")
                    self._try = key(partial(self._act, TriggerOnce), "", "act-key try-once")
                    self._picture = BoardPicture()
                    self._trial_said = Region("div", "trial-said")
                self._connections = Region("section", "panel act connections")
                glossary = visit.house.desks.glossary
                self._names = NamesPanel(visit, glossary) if glossary is not None else None
        self._show()
        ui.timer(_TICK_S, self._tick)

    def _lay_out_hold(self) -> None:
        with ui.element("section").classes("panel act holding"):
            self._hold_head = Region("div", "hold-head")
            with ui.element("div").classes("reasons").props("role=group") as self._reasons:
                self._reason_keys = {
                    reason: key(partial(self._hold, reason), "", "reason hold-reason") for reason in HOLD_REASONS
                }
            self._release = key(partial(self._act, ReleaseLine), "", "act-key release")
            self._challenge = key(partial(self._act, StartChallengeTest), "", "act-key challenge")

    def _lay_out_recipe(self) -> None:
        with ui.element("section").classes("panel act choosing"):
            self._recipe_head = Region("div", "recipe-head")
            with ui.element("div").classes("recipes").props("role=group") as self._recipes:
                self._recipe_keys = {
                    name: key(partial(self._choose, name), "", "recipe") for name in self._desk.recipes()
                }
            with ui.element("div").classes("confirm") as self._confirm:
                self._question = Region("p", "question", role="alert")
                self._yes = key(self._select, "", "act-key main yes")
                self._no = key(partial(self._choose, None), "", "act-key no")

    # --- what the person does ---------------------------------------------------------------------------

    def _choose(self, recipe: str | None) -> None:
        self._recipe = recipe if recipe != self._house.feed.status().recipe else None
        self._show()

    async def _select(self) -> None:
        recipe, self._recipe = self._recipe, None
        if recipe is not None:
            await self._act(lambda by: SelectRecipe(recipe, by))

    async def _hold(self, reason: str) -> None:
        await self._act(lambda by: HoldLine(by, reason))

    async def _act(self, command: Callable[[str], LineCommand]) -> None:
        words = self._shell.words
        person = await self._visit.again()
        if person is None:
            return
        told = words["done"]
        try:
            await run.io_bound(self._desk.act, person, command(person.name))
        except NotAllowed:
            told = words["not_allowed_here"]
        except (LineError, StoreError) as error:
            told = str(error)
        self._show()
        self._said.show(escape(told))

    # --- what the page shows ----------------------------------------------------------------------------

    async def _tick(self) -> None:
        self._shell.beat()
        self._trial = await run.io_bound(self._desk.trial)
        if self._names is not None and self._ticks % _LOOK_EVERY == 0:
            await self._names.find()
        self._ticks += 1
        self._show()

    def _show(self) -> None:
        words, status, now = self._shell.words, self._house.feed.status(), datetime.now().astimezone()
        held, alarms = self._desk.held(), self._desk.alarms()
        self._hold_head.show(panels.hold_head(status, held, words))
        self._reasons.props(f'aria-label="{words["why_hold"]}"')
        self._reasons.set_visibility(held is None)
        for reason, button in self._reason_keys.items():
            button.set_content(f"{icon('hold')}<span>{escape(words[f'hold_{reason}'])}</span>")
            self._allow(button, Act.HOLD_LINE)
        self._release.set_visibility(held is not None)
        self._release.set_content(f"{icon('live')}<span>{escape(words['release_line'])}</span>")
        self._allow(self._release, Act.RELEASE_LINE)
        self._challenge.set_visibility(self._desk.challenged())
        self._challenge.set_content(f"{icon('quality')}<span>{escape(words['start_challenge'])}</span>")
        self._allow(self._challenge, Act.START_CHALLENGE_TEST)
        self._lots.show(words)
        self._show_recipes(status.recipe)
        self._alarms.show(panels.alarm_list(alarms, words, now))
        self._seen.set_content(f"{icon('pass')}<span>{escape(words['acknowledge'])}</span>")
        self._allow(self._seen, Act.ACKNOWLEDGE_ALARM, when=any(not alarm.acknowledged_by for alarm in alarms))
        if self._names is not None:
            self._names.show(words)
        self._connections.show(panels.connection_list(self._desk.connections(), status, words, now))
        self._show_trial(held=held is not None)

    def _show_recipes(self, current: str) -> None:
        words = self._shell.words
        self._recipe_head.show(f"<h2>{escape(words['recipe'])}</h2><p>{escape(words['recipe_note'])}</p>")
        self._recipes.props(f'aria-label="{words["recipe"]}"')
        for name, button in self._recipe_keys.items():
            mark = icon("pass") if name == current else ""
            button.set_content(f"{mark}<span>{escape(name)}</span>")
            button.props(f"aria-pressed={str(name == (self._recipe or current)).lower()}")
            self._allow(button, Act.SELECT_RECIPE)
        self._confirm.set_visibility(self._recipe is not None)
        if self._recipe is not None:
            asked = words["change_recipe"].format(before=current, after=self._recipe)
            self._question.show(escape(asked))
        self._yes.set_content(escape(words["yes_change"]))
        self._no.set_content(escape(words["no_keep"]))

    def _show_trial(self, *, held: bool) -> None:
        words, trial = self._shell.words, self._trial
        self._trial_head.show(f"<h2>{escape(words['trial'])}</h2><p>{escape(words['trial_note'])}</p>")
        self._try.set_content(f"{icon('camera')}<span>{escape(words['trigger_once'])}</span>")
        self._allow(self._try, Act.TRIGGER_ONCE, when=held)
        self._picture.set_visibility(trial is not None)
        if trial is not None:
            self._picture.show(scene_of(trial.part, words, _TrialPicture(trial.number)))
            self._trial_said.show(panels.trial_said(trial, words) + markup.measures(trial.part, words))

    def _allow(self, button: ui.html, act: Act, *, when: bool = True) -> None:
        button.props(f"aria-disabled={str(not (when and may(self._visit.who, act))).lower()}")


class _TrialPicture:
    """Where the picture taken by hand is; the number tells browsers when it is another one."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __call__(self, part: RecordedPart, *, thumbnail: bool = False) -> str | None:
        return f"/api/v1/line/trial.png?number={self._number}" if part.image is not None else None
