"""The relations between the keys of the PLC's section: how it is secured, and as whom."""

from __future__ import annotations

from collections.abc import Mapping

from inspector.settings.raw import Data, Problems, number, problem, table, text

POLICIES = ("none", "Basic256Sha256", "Aes256_Sha256_RsaPss")
OWN = ("certificate", "key", "trust")
PLC_WORDS, LINE_WORDS = 23, 45  # of the two blocks over Modbus
USER = ("username", "password_env", "password_file", "user_certificate", "user_key")


def plc_problems(data: Data) -> Problems:
    """Yield what does not fit together in ``plc``."""
    plc = table(data, "plc")
    kind, security = text(plc, "kind"), text(plc, "security")
    if kind == "modbus-tcp":
        yield from _blocks(plc)
    if kind not in {"opcua-client", "opcua-server"} or security not in POLICIES:
        return
    if security == "none":
        for key in (*OWN, *USER, "users"):
            if plc.get(key) is not None:
                yield problem(
                    ("plc", key),
                    "no_security",
                    "it would go over the network for everybody to read, because of 'security: none'",
                    "Write 'security: Basic256Sha256', or take this key away.",
                )
        return
    for key in OWN:
        if plc.get(key) is None:
            yield problem(
                ("plc", "security"),
                "no_certificate",
                f"a secured connection needs '{key}:'",
                "Make certificate and key with 'inspector plc certificates new', and name the folder 'trust:'.",
            )
    yield from _user(plc)
    for name, user in table(plc, "users").items():
        known = [key for key in ("password_env", "password_file", "certificates") if table(plc, "users", name).get(key)]
        if isinstance(user, Mapping) and not known:
            yield problem(
                ("plc", "users", name),
                "no_proof",
                "nothing says how this user is known",
                "Write 'password_env:', 'password_file:' or 'certificates:' below it.",
            )


def _blocks(plc: Data) -> Problems:
    first, second = number(plc, "plc_address", 0), number(plc, "line_address", 100)
    if first is None or second is None:
        return
    if first < second + LINE_WORDS and second < first + PLC_WORDS:
        yield problem(
            ("plc", "line_address" if "line_address" in plc else "plc_address"),
            "overlap",
            f"the PLC's {PLC_WORDS} registers and the line's {LINE_WORDS} lie over each other",
            f"Write a line_address of at least {first + PLC_WORDS:g}.",
        )


def _user(plc: Data) -> Problems:
    given = [key for key in USER if plc.get(key) is not None]
    passwords = [key for key in ("password_env", "password_file") if key in given]
    if len(passwords) > 1:
        yield problem(("plc", passwords[1]), "two_secrets", "the password is named twice", "Keep one of the two.")
    if ("username" in given) is not bool(passwords):
        yield problem(
            ("plc", given[0]),
            "half_user",
            "a user name and its password go together",
            "Write 'username:' and one of 'password_env:' and 'password_file:'.",
        )
    if ("user_certificate" in given) is not ("user_key" in given):
        yield problem(
            ("plc", "user_certificate" if "user_certificate" in given else "user_key"),
            "half_certificate",
            "a user's certificate and its key go together",
            "Name both 'user_certificate:' and 'user_key:'.",
        )
    if "username" in given and "user_certificate" in given:
        yield problem(
            ("plc", "user_certificate"),
            "two_users",
            "the user is named twice",
            "Keep either the user name or the certificate.",
        )
