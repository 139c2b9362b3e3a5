"""The users: who may log in, as what, and since when not any more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from html import escape

from nicegui import run, ui

from hmi.elements import Field, Region, key
from hmi.house import Visit
from hmi.icons import icon
from hmi.shell import Shell
from inspector.domain import AccountError, Act, Person, Role, Staff, StoreError, may

__all__ = ["UsersPage"]

_TICK_S = 0.5
_ROLES = tuple(role for role in Role if role is not Role.GUEST)


class UsersPage:
    """One open tab on the users; one of them, or a new one, is being written."""

    def __init__(self, visit: Visit, staff: Staff) -> None:
        self._visit, self._staff = visit, staff
        self._people: Sequence[Person] = ()
        self._chosen: str | None = None
        self._role = Role.OPERATOR
        self._shell = Shell(visit, title="users_page", here="/users", changed=self._show)
        with self._shell.body:
            self._list = ui.element("section").classes("panel act people")
            with ui.element("section").classes("panel act person"):
                self._head = Region("div", "person-head")
                self._name = Field("text", autocomplete="off")
                with ui.element("div").classes("roles").props("role=group") as self._roles:
                    self._role_keys = {role: key(partial(self._as, role), "", "role-key") for role in _ROLES}
                self._secret = Field("password", autocomplete="new-password")
                self._save = key(self._write, "", "act-key main save")
                self._shut = key(self._shut_or_open, "", "act-key shut")
                self._said = Region("p", "said", role="status")
        ui.timer(_TICK_S, self._shell.beat)

    async def find(self) -> None:
        """Read the users and show them."""
        try:
            self._people = await run.io_bound(self._staff.people) or ()
        except StoreError as error:
            self._said.show(escape(error.message))
        self._lay_out_list()
        self._show()

    def _lay_out_list(self) -> None:
        self._list.clear()
        with self._list:
            self._list_head = Region("h2", "")
            self._keys = {person.name: key(partial(self._choose, person.name), "", "user") for person in self._people}
            self._new = key(partial(self._choose, None), "", "user new-user")

    # --- what the person does ---------------------------------------------------------------------------

    def _choose(self, name: str | None) -> None:
        self._chosen = name
        person = self._person()
        self._role = person.role if person is not None else Role.OPERATOR
        for field in (self._name, self._secret):
            field.clear()
        self._said.show("")
        self._show()

    def _as(self, role: Role) -> None:
        self._role = role
        self._show()

    async def _write(self) -> None:
        name, secret = self._name.value.strip(), self._secret.value
        if self._chosen is None:
            await self._do(lambda by: self._staff.add(name, self._role, secret, by=by), chosen=name)
            return
        person, chosen = self._person(), self._chosen
        role = self._role if person is None or self._role is not person.role else None
        await self._do(lambda by: self._staff.change(chosen, by=by, role=role, secret=secret or None), chosen=chosen)

    async def _shut_or_open(self) -> None:
        person = self._person()
        if person is None:
            return
        if person.name == self._visit.who.name:
            self._said.show(escape(self._shell.words["not_yourself"]))
            return
        await self._do(
            lambda by: self._staff.change(person.name, by=by, disabled=not person.disabled), chosen=person.name
        )

    async def _do(self, change: Callable[[Person], Person], *, chosen: str) -> None:
        words = self._shell.words
        by = await self._visit.again()
        if by is None:
            return
        told = words["not_allowed_here"]
        if may(by, Act.MANAGE_USERS):
            try:
                await run.io_bound(change, by)
                told = f"{chosen}: {words['done']}"
                self._chosen = chosen
                for field in (self._name, self._secret):
                    field.clear()
            except (AccountError, StoreError) as error:
                told = str(error)
        await self.find()
        self._said.show(escape(told))

    # --- what the page shows ----------------------------------------------------------------------------

    def _person(self) -> Person | None:
        return next((person for person in self._people if person.name == self._chosen), None)

    def _show(self) -> None:
        words, person = self._shell.words, self._person()
        self._list_head.show(escape(words["users_page"]))
        for one in self._people:
            shut = f" · {icon('hold')} {escape(words['shut'])}" if one.disabled else ""
            said = f"{icon('person')}<b>{escape(one.name)}</b> · {escape(words[f'role_{one.role}'])}{shut}"
            self._keys[one.name].set_content(f"<span>{said}</span>")
            self._keys[one.name].props(f"aria-pressed={str(one.name == self._chosen).lower()}")
        self._new.set_content(f"<span>+ {escape(words['new_user'])}</span>")
        self._new.props(f"aria-pressed={str(person is None).lower()}")
        title = escape(person.name) if person is not None else escape(words["new_user"])
        self._head.show(f"<h2>{title}</h2>")
        self._name.show(words["name"], visible=person is None)
        self._secret.show(words["secret" if person is None else "new_secret"])
        self._roles.props(f'aria-label="{words["role"]}"')
        for role, button in self._role_keys.items():
            button.set_content(escape(words[f"role_{role}"]))
            button.props(f"aria-pressed={str(role is self._role).lower()}")
        self._save.set_content(escape(words["save"]))
        self._shut.set_visibility(person is not None)
        if person is not None:
            self._shut.set_content(escape(words["let_in" if person.disabled else "shut_out"]))
