"""A server with a large model that writes in a manner of its own: every sentence is an entry in a log."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler
from typing import Any

from inspector.language.corpus import random_sentence
from inspector.language.engine import Request
from inspector.language.prompt import describe
from tests.support.chat_server import ChatServer, completion

__all__ = ["MANNER", "styled", "teaching"]

MANNER = {"en": "Log entry: ", "zh": "记录显示："}


def styled(request: Request, rng: random.Random) -> str:
    """Return a sentence for the request in the teacher's manner."""
    return MANNER[request.language] + random_sentence(request.brief, request.language, rng)


def teaching(
    tasks: Sequence[Request], *, instead: Callable[[int], bytes | None] = lambda _: None
) -> Callable[[ChatServer, BaseHTTPRequestHandler, dict[str, Any]], None]:
    """Return what answers these tasks; ``instead`` gives another body for the answer of that number, from 1."""
    known = {describe(task): task for task in tasks}
    rng = random.Random(1)

    def answer(server: ChatServer, handler: BaseHTTPRequestHandler, asked: dict[str, Any]) -> None:
        lines = asked["messages"][-1]["content"].split("\n")
        sentences = [styled(known[line.partition(". ")[2]], rng) for line in lines]
        body = instead(len(server.asked))
        if body is None:
            body = completion(json.dumps({"sentences": sentences}, ensure_ascii=False))
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer
