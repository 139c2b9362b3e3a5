"""Live events over HTTP, from a real server: in order, none twice, none lost on the way, no longer than the session."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from inspector.domain import RecordedPart
from tests.support.review_screen import PASSWORDS
from tests.support.review_screen import served as served_with_people
from tests.support.screen import part, served, status

WAIT_S = 120.0

pytestmark = pytest.mark.timeout(600)


@contextmanager
def events(url: str, **headers: str) -> Iterator[Iterator[tuple[str, str, Any]]]:
    """Open the stream; yields (event, id, data) of everything that comes, and ("", "", None) for a sign of life."""
    with (
        httpx.Client(timeout=WAIT_S) as client,
        client.stream("GET", f"{url}api/v1/events", headers=headers) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _read(answer)


def _read(answer: httpx.Response) -> Iterator[tuple[str, str, Any]]:
    said: dict[str, str] = {}
    for line in answer.iter_lines():
        if line:
            name, _, value = line.partition(":")
            said[name] = value.strip()
            continue
        yield said.get("event", ""), said.get("id", ""), json.loads(said["data"]) if "data" in said else None
        said = {}


def parts(stream: Iterator[tuple[str, str, Any]], count: int) -> list[tuple[str, str]]:
    """Return id and part of the next so many parts."""
    found: list[tuple[str, str]] = []
    for event, name, data in stream:
        if event == "part":
            found.append((name, data["part_id"]))
        if len(found) == count:
            break
    return found


def as_sent(*fed: RecordedPart) -> list[tuple[str, str]]:
    return [(str(item.report.id), item.report.trigger.part_id) for item in fed]


def test_changes_come_as_they_happen_and_what_was_missed_comes_first() -> None:
    with served() as line:
        line.feed(status(), part(1, None))
        with events(line.url) as stream:
            kind, _, now = next(stream)
            assert (kind, now["line"], now["counts"]["passed"]) == ("status", "board-line-1", 1)
            assert next(event for event in stream)[0] == ""
            fed = [part(number, None) for number in (2, 3, 4)]
            line.feed(*fed)
            assert parts(stream, 3) == as_sent(*fed)
            counts = next(data["counts"] for event, _, data in stream if event == "status")
            assert counts["passed"] == 4
        missed = [part(number, None) for number in (5, 6)]
        line.feed(*missed)
        with events(line.url, **{"Last-Event-ID": str(fed[-1].report.id)}) as again:
            assert parts(again, 2) == as_sent(*missed)


def test_a_program_hears_as_long_as_its_session_goes(tmp_path: Path) -> None:
    with served_with_people(tmp_path, login=True) as url:
        assert httpx.get(f"{url}api/v1/events").status_code == 401
        secret = {"name": "mei", "secret": PASSWORDS["mei"]}
        token = httpx.post(f"{url}api/v1/login", data=secret, timeout=WAIT_S).json()["token"]
        with events(url, authorization=f"Bearer {token}") as stream:
            assert next(stream)[0] == "status"
            httpx.post(f"{url}api/v1/logout", cookies={"inspector_session": token}, timeout=WAIT_S)
            # Ends by itself, and not by a broken connection.
            assert {event for event, _, _ in stream} <= {"", "status"}


def test_the_stream_is_in_the_description() -> None:
    with served() as line:
        paths = httpx.get(f"{line.url}api/v1/openapi.json", timeout=WAIT_S).json()["paths"]
    assert "text/event-stream" in paths["/api/v1/events"]["get"]["responses"]["200"]["content"]
