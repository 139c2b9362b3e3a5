"""The endpoint engine: any server that speaks the chat completions of OpenAI, asked for slotted sentences only."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import httpx

from inspector.domain import ConfigurationError, LanguageError
from inspector.language.engine import Request
from inspector.language.prompt import answer_schema, messages, sentences_of

__all__ = ["EndpointEngine"]

_LARGEST_ANSWER = 256 * 1024
_TOKENS_PER_SENTENCE = 160


class EndpointEngine:
    """Asks a vLLM, TensorRT-LLM, Ollama, llama.cpp or other server at ``base_url/chat/completions``.

    The request carries statuses and slots, no figure and no foreign word of the record: neither values nor
    instructions in a part id or a zone's name leave the box, and none can be believed.

    Parameters
    ----------
    base_url
        Such as ``http://127.0.0.1:11434/v1``.
    model
        The server's name of the model.
    token
        Bearer token; None sends none.
    largest_answer
        Bytes after which an answer is given up.
    transport
        For tests; None is the network.

    Raises
    ------
    ConfigurationError
        ``base_url`` is no HTTP address.
    """

    attempts = 1

    def __init__(
        self,
        base_url: str,
        *,
        model: str,
        token: str | None = None,
        largest_answer: int = _LARGEST_ANSWER,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.name = f"{model} at an endpoint"
        self._model, self._largest = model, largest_answer
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        parsed = httpx.URL(self._url) if base_url.startswith(("http://", "https://")) else None
        if parsed is None or not parsed.host:
            raise ConfigurationError(
                f"language.url: {base_url!r} is no HTTP address", remedy="Write it as http://host:port/v1"
            )
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # No proxy from the environment, no redirect: the address in the line's file is where the text comes from.
        self._client = httpx.Client(headers=headers, transport=transport, trust_env=False, follow_redirects=False)

    def write(self, requests: Sequence[Request], *, until: float, seed: int, attempt: int) -> list[str]:
        """Return one slotted sentence for each request; raises ``LanguageError``."""
        body = {
            "model": self._model,
            "messages": messages(requests),
            "temperature": 0.3,
            "seed": seed & 0x7FFFFFFF,
            "max_tokens": _TOKENS_PER_SENTENCE * len(requests),
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "report", "strict": True, "schema": answer_schema(len(requests))},
            },
        }
        try:
            answer = self._post(body, until)
        except httpx.TimeoutException as error:
            raise LanguageError(f"{self._url} does not answer in time") from error
        except httpx.HTTPError as error:
            raise LanguageError(f"{self._url} cannot be reached: {error}") from error
        return sentences_of(_content(answer, self._url), count=len(requests))

    def _post(self, body: dict[str, Any], until: float) -> bytes:
        remaining = until - time.monotonic()
        if remaining <= 0:
            raise LanguageError(f"{self._url} was not asked: there is no time left")
        kept = bytearray()
        with self._client.stream("POST", self._url, json=body, timeout=remaining) as response:
            if response.status_code != httpx.codes.OK:
                raise LanguageError(f"{self._url} answers {response.status_code}")
            for chunk in response.iter_bytes():
                kept += chunk
                if len(kept) > self._largest:
                    raise LanguageError(f"{self._url} answers with more than {self._largest} bytes")
                # The time-out above is for one read; a server may drip for ever.
                if time.monotonic() > until:
                    raise LanguageError(f"{self._url} does not answer in time")
        return bytes(kept)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _content(answer: bytes, url: str) -> str:
    try:
        content = json.loads(answer)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise LanguageError(f"{url} does not answer with a chat completion") from error
    if not isinstance(content, str):
        raise LanguageError(f"{url} answers without a text")
    return content
