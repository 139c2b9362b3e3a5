"""The end of a shift: a report by a process of its own, once; a mail to a real server; what an outage left undone."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from inspector.domain import Person, ReportError, ReportShelf, Role, ShelvedShift
from inspector.reports.mail import Postman
from inspector.runtime.embedded import free_port
from inspector.runtime.shelf import LineShelf
from inspector.runtime.shift_end import ShiftEnd
from inspector.settings import LineSettings, load_line
from inspector.store import Database, SqlAuditTrail
from tests.support.shifts import fill, shift_of

LINES = Path(__file__).parents[3] / "line_configs"
MEI = Person("mei", Role.QUALITY)
LOGIN = ("aoi", "a good password")


# --- the shelf --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> LineSettings:
    data = tmp_path_factory.mktemp("data")
    settings = load_line(LINES / "virtual-board.yaml", data=data)
    return settings.model_copy(update={"languages": ("en",)})


@pytest.fixture(scope="module")
def shelf(settings: LineSettings) -> Iterator[LineShelf]:
    """The shelf of a line whose last shift had sixty parts."""
    assert settings.store.url is not None
    folder = Path(settings.store.url.removeprefix("sqlite:///")).parent
    folder.mkdir(parents=True)
    (last,) = LineShelf(settings, folder / "reports", SqlAuditTrail(Database("sqlite://"))).shifts(2)[-1:]
    database, _ = fill(folder, list(shift_of(60, last.begins)), line=settings.line)
    yield LineShelf(settings, folder / "reports", SqlAuditTrail(database))
    database.close()


def test_a_report_is_made_by_hand_and_stands_on_the_shelf(shelf: LineShelf) -> None:
    assert isinstance(shelf, ReportShelf)
    last = next(shift for shift in shelf.shifts(4) if shift.ended)
    assert (last.made_at, last.pages) == (None, {})
    made = shelf.make(MEI, last.key)
    assert made.complete
    assert made.parts == 59
    page = shelf.file(made.pages["en"])
    assert page is not None
    assert last.key in page.read_text("utf-8")
    assert shelf.file(made.data) is not None
    assert next(shift for shift in shelf.shifts(4) if shift.key == last.key) == made


def test_what_its_process_says_reaches_the_person(settings: LineSettings, tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file where the folder should be")
    trail = SqlAuditTrail(Database(f"sqlite:///{tmp_path / 'r.db'}"))
    shelf = LineShelf(settings, tmp_path / "reports", trail)
    with pytest.raises(ReportError, match="cannot be written"):
        shelf.make(MEI, shelf.shifts(3)[-1].key)
    assert trail.latest(1)[0].act == "make_report"


@pytest.mark.parametrize("name", ["../record.db", "a/../../x.html", "", ".html", "x.exe", "none.html", "/etc/passwd"])
def test_only_reports_are_on_the_shelf(shelf: LineShelf, name: str) -> None:
    assert shelf.file(name) is None


# --- the end of a shift -----------------------------------------------------------------------------------

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)


class Shelf:
    """Three shifts of eight hours, the last one ended at two; the middle one has no parts."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.made = folder, list[str]()
        self.error: ReportError | None = None

    def shifts(self, limit: int) -> list[ShelvedShift]:
        ends = [NOW.replace(hour=14, minute=0) - timedelta(hours=8 * back) for back in range(3)]
        keys = ["2026-11-22/A", "2026-11-21/C", "2026-11-21/B"]
        return [
            ShelvedShift(key, end - timedelta(hours=8), end, True, *((NOW, True) if key in self.made else ()))
            for key, end in zip(keys, ends, strict=True)
        ][:limit]

    def make(self, person: Person, key: str) -> ShelvedShift:
        if self.error is not None:
            raise self.error
        self.made.append(key)
        (self.folder / "x.pdf").write_bytes(b"%PDF-1.7")
        (self.folder / "x.json").write_text("{}")
        return ShelvedShift(
            key, NOW, NOW, True, NOW, complete=True, parts=200, passed=180, prints={"en": "x.pdf"}, data="x.json"
        )

    def file(self, name: str) -> Path | None:
        return self.folder / name if (self.folder / name).is_file() else None


def shift_end(shelf: Shelf, folder: Path, mail: Callable[..., None] | None = None, now: datetime = NOW) -> ShiftEnd:
    return ShiftEnd(
        shelf,
        line="line-1",
        worked=lambda begins, _end: begins.hour != 22,
        mail=mail,
        notes=folder / "mailed",
        clock=lambda: now,
    )


def test_each_shift_with_parts_gets_its_report_once(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    end = shift_end(shelf, tmp_path)
    assert end.look() == ["2026-11-22/A", "2026-11-21/B"]
    assert end.look() == []
    assert shift_end(shelf, tmp_path).look() == ["2026-11-22/A", "2026-11-21/B"]  # looked at, not made again
    assert shelf.made == ["2026-11-22/A", "2026-11-21/B"]


@pytest.mark.parametrize("now", [NOW - timedelta(minutes=4, seconds=30), NOW + timedelta(days=3)])
def test_neither_before_the_last_parts_are_in_nor_days_later(tmp_path: Path, now: datetime) -> None:
    assert "2026-11-22/A" not in shift_end(Shelf(tmp_path), tmp_path, now=now).look()


def test_a_report_that_cannot_be_made_is_tried_again(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.error = ReportError("no room")
    end = shift_end(shelf, tmp_path)
    with pytest.raises(ReportError):
        end.look()
    shelf.error = None
    assert end.look() == ["2026-11-22/A", "2026-11-21/B"]


# --- the mail ---------------------------------------------------------------------------------------------


class Inbox:
    """What a mail server was handed."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - its name
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        return "250 taken"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days",
         "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return folder / "cert.pem"


@pytest.fixture(params=["none", "starttls", "tls"])
def server(request: pytest.FixtureRequest, certificate: Path) -> Iterator[tuple[Inbox, Postman]]:
    inbox, security = Inbox(), request.param
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))

    def knows(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: LoginPassword) -> AuthResult:
        right = (given.login.decode(), given.password.decode()) == LOGIN
        return AuthResult(success=right)

    secure = {"authenticator": knows, "auth_required": True} if security != "none" else {}
    if security == "starttls":
        secure |= {"tls_context": context, "require_starttls": True}
    if security == "tls":
        secure |= {"ssl_context": context, "auth_require_tls": False}
    port = free_port()
    running = Controller(inbox, hostname="127.0.0.1", port=port, **secure)
    running.start()
    username, password = LOGIN if security != "none" else (None, None)
    yield (
        inbox,
        Postman(
            "127.0.0.1", port, "aoi@plant.example", ("q@plant.example", "b@plant.example"), security=security,
            username=username, password=password, ca_file=certificate if security != "none" else None,
        ),
    )  # fmt: skip
    running.stop()


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # it takes implicit TLS for none
def test_the_report_is_mailed_once_and_again_where_no_server_took_it(
    server: tuple[Inbox, Postman], tmp_path: Path
) -> None:
    inbox, postman = server
    shelf, taken = Shelf(tmp_path), list[bool]([False])

    def mail(*given: Any) -> None:
        if not taken[0]:
            raise ReportError("nobody there")
        postman.send(*given)

    end = shift_end(shelf, tmp_path, mail)
    with pytest.raises(ReportError):
        end.look()
    taken[0] = True
    assert end.look() == ["2026-11-22/A", "2026-11-21/B"]
    assert shift_end(shelf, tmp_path, mail).look() == ["2026-11-22/A", "2026-11-21/B"]
    assert len(inbox.mails) == 2
    first = inbox.mails[0]
    assert first["From"] == "aoi@plant.example"
    assert first["To"] == "q@plant.example, b@plant.example"
    assert {part.get_filename() for part in first.iter_attachments()} <= {"x.pdf", "x.json"}


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
@pytest.mark.parametrize("server", ["starttls", "tls"], indirect=True)
def test_a_wrong_password_and_an_unknown_server_are_refused(server: tuple[Inbox, Postman], tmp_path: Path) -> None:
    inbox, postman = server
    base = {name: getattr(postman, name) for name in postman.__slots__}
    for change in ({"password": "wrong"}, {"ca_file": None}):
        with pytest.raises(ReportError, match=r"mail server 127\.0\.0\.1"):
            Postman(**{**base, **change}).send("s", "t", [])
    assert inbox.mails == []


def test_nobody_listens() -> None:
    with pytest.raises(ReportError, match="does not take the report"):
        Postman("127.0.0.1", 9, "a@b.example", ("c@d.example",), security="none").send("s", "t", [])
