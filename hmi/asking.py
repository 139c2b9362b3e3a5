"""What somebody asks the history, as it stands in the page's address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from inspector.domain import HistoryQuery, PartKind, Place

__all__ = ["WHEN", "Asked"]

WHEN = ("any", "today", "yesterday", "week", "own")
_LONGEST = 200
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """The form's fields as texts; ``before`` is where the page begins, ``words`` a description instead of all that."""

    when: str = "any"
    since: str = ""
    until: str = ""
    part: str = ""
    lot: str = ""
    label: str = ""
    size_from: str = ""
    size_to: str = ""
    kind: str = ""
    before: str = ""
    words: str = ""

    @classmethod
    def of(cls, address: Mapping[str, str]) -> Asked:
        """Read it from the address; what it does not have is empty."""
        known = {name: address.get(name, "").strip()[:_LONGEST] for name in cls.__slots__}
        when = known.pop("when")
        return cls(when if when in WHEN else "any", **known)

    def query(self, now: datetime) -> HistoryQuery:
        """Return it as the record takes it; days are those of the clock of ``now``. Raises ``ValueError``."""
        since, until = self._span(now)
        return HistoryQuery(
            since=since,
            until=until,
            part=self.part,
            lot=self.lot,
            label=self.label,
            size_from=_size(self.size_from),
            size_to=_size(self.size_to),
            kind=PartKind(self.kind) if self.kind else None,
        )

    def place(self) -> Place | None:
        """Return where the page begins; raises ``ValueError``."""
        return Place.parse(self.before) if self.before else None

    def address(self, before: str = "") -> str:
        """Return the address of this search, from there on."""
        return f"/history?{urlencode(_said(replace(self, before=before)))}"

    def export_address(self, form: str, now: datetime) -> str:
        """Return where the API gives the same as a file; raises ``ValueError``."""
        query = self.query(now)
        wanted: dict[str, Any] = {name: getattr(query, name) for name in query.__slots__}
        wanted |= {name: value.isoformat() for name, value in wanted.items() if isinstance(value, datetime)}
        wanted |= {"kind": query.kind.value if query.kind is not None else "", "form": form}
        return f"/api/v1/history/export?{urlencode({name: value for name, value in wanted.items() if value})}"

    def _span(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        if self.when == "own":
            return _moment(self.since, now), _moment(self.until, now)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        starts = {"today": midnight, "yesterday": midnight - _DAY, "week": midnight - 6 * _DAY}
        return starts.get(self.when), midnight if self.when == "yesterday" else None


def _said(asked: Asked) -> dict[str, str]:
    return {name: value for name in asked.__slots__ if (value := str(getattr(asked, name)))}


def _moment(text: str, now: datetime) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=now.tzinfo) if text else None


def _size(text: str) -> float | None:
    if not text:
        return None
    size = float(text.replace(",", "."))
    if not 0 <= size < 1e6:  # noqa: PLR2004 - a kilometre
        raise ValueError(f"no size: {text}")
    return size
