"""A cable between a client and its server, for tests that pull it."""

from __future__ import annotations

import selectors
import socket
import threading

__all__ = ["Wire"]


class Wire:
    """A TCP proxy whose cable can be pulled: with both ends told, or as a hole that swallows everything."""

    def __init__(self, port: int) -> None:
        self._to = ("127.0.0.1", port)
        self._gate = socket.create_server(("127.0.0.1", 0))
        self.port = self._gate.getsockname()[1]
        self._pulled, self._silent, self._ended = threading.Event(), threading.Event(), threading.Event()
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def pull(self) -> None:
        """Cut every connection, and take none until ``plug``."""
        self._pulled.set()

    def swallow(self) -> None:
        """Pass nothing on and tell nobody, until ``plug``; what is on its way is lost then."""
        self._silent.set()

    def plug(self) -> None:
        if self._silent.is_set():
            self._pulled.set()
            self._silent.clear()
            while self._pairs and not self._ended.is_set():
                self._ended.wait(0.01)
        self._pulled.clear()

    def close(self) -> None:
        self._ended.set()
        self._thread.join(10)
        self._gate.close()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._gate, selectors.EVENT_READ)
            while not self._ended.is_set():
                if self._silent.is_set():
                    self._ended.wait(0.01)
                    continue
                for key, _ in selector.select(0.02):
                    if key.fileobj is self._gate:
                        self._accept(selector)
                    elif key.fileobj in self._pairs:
                        self._pass_on(selector, key.fileobj)  # type: ignore[arg-type]
                if self._pulled.is_set():
                    self._drop_all(selector)
            self._drop_all(selector)

    def _accept(self, selector: selectors.BaseSelector) -> None:
        ours, _ = self._gate.accept()
        try:
            theirs = socket.create_connection(self._to, 1)
        except OSError:
            ours.close()
            return
        self._pairs[ours], self._pairs[theirs] = theirs, ours
        for end in (ours, theirs):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(end, selectors.EVENT_READ)

    def _pass_on(self, selector: selectors.BaseSelector, end: socket.socket) -> None:
        try:
            data = end.recv(65_536)
            self._pairs[end].sendall(data)
        except OSError:
            data = b""
        if not data:
            self._drop(selector, end)

    def _drop(self, selector: selectors.BaseSelector, end: socket.socket) -> None:
        for one in {end, self._pairs[end]}:
            selector.unregister(one)
            one.close()
            del self._pairs[one]

    def _drop_all(self, selector: selectors.BaseSelector) -> None:
        while self._pairs:
            self._drop(selector, next(iter(self._pairs)))
