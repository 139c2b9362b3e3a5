"""The line's names while it runs: whoever looks a term up finds its newest name, nobody is started again."""

from __future__ import annotations

import logging
import re
import time
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from inspector.domain import Act, LanguageError, NotAllowed, Person, StoreError, TermChange, Terms, may
from inspector.store import SqlAuditTrail, SqlGlossary

__all__ = ["LineGlossary", "LiveTerms"]

log = logging.getLogger(__name__)

LANGUAGES = ("en", "zh")
LONGEST = 64
LOOK_EVERY_S = 1.0
_TERM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class LiveTerms(Mapping[str, Mapping[str, str]]):
    """Term -> language -> name: the product's names with the line's changes over them.

    Reading never waits for the record: ``refresh`` is what looks there, and changes all names at once.
    """

    def __init__(self, shipped: Terms, changes: SqlGlossary) -> None:
        self._shipped, self._changes = shipped, changes
        self._version, self._names = -1, shipped
        self._due_at = 0.0
        self._lost = False

    def __getitem__(self, term: str) -> Mapping[str, str]:
        return self._names[term]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def refresh(self) -> None:
        """Take what was changed, by whichever process; raises ``StoreError``."""
        version = self._changes.version()
        if version == self._version:
            return
        names = {term: dict(known) for term, known in self._shipped.items()}
        for change in reversed(self._changes.changes()):
            shipped = self._shipped.get(change.term, {}).get(change.language, "")
            own = names.setdefault(change.term, {})
            own.pop(change.language, None)
            if name := change.name or shipped:
                own[change.language] = name
        self._version, self._names = version, names

    def keep_fresh(self) -> None:
        """Refresh where it is due; where the record does not answer, the names stay as they are."""
        if time.monotonic() < self._due_at:
            return
        self._due_at = time.monotonic() + LOOK_EVERY_S
        try:
            self.refresh()
            self._lost = False
        except StoreError as error:
            if not self._lost:
                log.warning("the glossary stays as it is, the record does not answer: %s", error)
            self._lost = True


class LineGlossary:
    """A ``GlossaryDesk``: who may, what a name may be, and that everybody hears of it."""

    def __init__(self, terms: LiveTerms, changes: SqlGlossary, trail: SqlAuditTrail) -> None:
        self._terms, self._changes, self._trail = terms, changes, trail

    def terms(self) -> Terms:
        """Return every term with its names as they are now; raises ``StoreError``."""
        self._terms.refresh()
        return self._terms

    def set(self, person: Person, term: str, language: str, name: str) -> TermChange:
        """Call a term so from now on; an empty name takes the line's own name back.

        Raises
        ------
        NotAllowed
            The role may not; the attempt is in the trail.
        LanguageError
            The name cannot be printed in one line, is too long, or means something else already.
        """
        name = name.strip()
        if not may(person, Act.CHANGE_TERM):
            self._trail.add(person, f"{Act.CHANGE_TERM}_refused", term, f"{language}: {name}")
            raise NotAllowed(f"{person.name} ({person.role}) may not change the glossary")
        self._check(term, language, name)
        change = self._changes.add(person, term, language, name)
        self._terms.refresh()
        return change

    def history(self, limit: int) -> Sequence[TermChange]:
        """Return the newest changes, newest first; raises ``StoreError``."""
        return self._changes.changes(limit)

    def _check(self, term: str, language: str, name: str) -> None:
        if not _TERM.fullmatch(term):
            raise LanguageError(
                f"{term!r} is no term", remedy="Write it as the record does: a class, a zone or a characteristic"
            )
        if language not in LANGUAGES:
            raise LanguageError(f"there is no language {language!r}", remedy=f"Choose one of {', '.join(LANGUAGES)}")
        if len(name) > LONGEST or any(unicodedata.category(sign)[0] in "CZ" and sign != " " for sign in name):
            raise LanguageError(f"{name[:LONGEST]!r} is no name", remedy=f"Use one line, at most {LONGEST} characters")
        self._terms.refresh()
        for other, names in self._terms.items():
            # Names are also what people ask by: one name, one meaning.
            if name and other != term and name.casefold() in {other.casefold(), *map(str.casefold, names.values())}:
                raise LanguageError(f"{name!r} is what {other} is called", remedy="Choose another name")
