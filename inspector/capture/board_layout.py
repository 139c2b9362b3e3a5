"""Copper of a virtual bare board: pads, vias, 45-degree tracks and pours on a routing grid."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Node = tuple[int, int]
STEPS: tuple[Node, ...] = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))
TURN_TRIES = 60
SHORTEST_TRACK_NODES = 3
FREE, PAD, TRACK = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """One board design, over-sampled.

    ``copper`` and ``holes`` are uint8 0/1 of shape (side, side); ``px_per_mm`` is their resolution.
    A hole is drilled through copper, so ``copper`` is 0 where ``holes`` is 1.
    """

    copper: NDArray[np.uint8]
    holes: NDArray[np.uint8]
    px_per_mm: float


@dataclass(frozen=True, slots=True)
class DesignRules:
    """What one design draws with, in millimetres."""

    pitch: float
    track: float
    clearance: float
    pour: bool
    buses: int
    nets: int


def chance(rng: np.random.Generator, share: float) -> bool:
    """Return True in this share of the draws."""
    return bool(rng.random() < share)


def draw_rules(rng: np.random.Generator) -> DesignRules:
    """Return the design rules of one layout, from fine-pitch signal boards to coarse power boards."""
    pitch = float(rng.uniform(0.48, 1.25))
    track = float(pitch * rng.uniform(0.28, 0.55))
    return DesignRules(
        pitch=pitch,
        track=max(track, 0.14),
        clearance=float(rng.uniform(0.16, 0.32)),
        pour=chance(rng, 0.35),
        buses=int(rng.integers(0, 3)),
        nets=int(rng.integers(6, 22)),
    )


def design(rng: np.random.Generator, side: int, px_per_mm: float) -> Layout:
    """Return a random layout of ``side`` x ``side`` over-sampled pixels."""
    rules = draw_rules(rng)
    sketch = _Sketch(rng, rules, side, px_per_mm)
    for _ in range(rules.buses):
        sketch.bus()
    sketch.pads()
    for _ in range(rules.nets):
        sketch.net()
    return sketch.finished()


class _Sketch:
    """A layout under construction: the drawing and the routing grid that keeps nets apart."""

    def __init__(self, rng: np.random.Generator, rules: DesignRules, side: int, px_per_mm: float) -> None:
        self.rng, self.rules, self.side, self.scale = rng, rules, side, px_per_mm
        self.copper = np.zeros((side, side), dtype=np.uint8)
        self.holes = np.zeros((side, side), dtype=np.uint8)
        self.pitch = rules.pitch * px_per_mm
        self.count = int(side / self.pitch) + 3
        self.offset = rng.uniform(-1.0, 0.0, size=2) * self.pitch
        self.grid = np.full((self.count, self.count), FREE, dtype=np.uint8)
        self.terminals: list[Node] = []

    def at(self, node: Node) -> tuple[int, int]:
        """Return the pixel of a grid node."""
        x, y = self.offset + np.array(node, dtype=np.float64) * self.pitch
        return round(float(x)), round(float(y))

    def free(self, node: Node) -> bool:
        x, y = node
        return 0 <= x < self.count and 0 <= y < self.count and self.grid[y, x] == FREE

    def take(self, node: Node, what: int) -> None:
        self.grid[node[1], node[0]] = what

    def random_node(self) -> Node:
        x, y = self.rng.integers(0, self.count, size=2).tolist()
        return x, y

    # --- what is drawn --------------------------------------------------------------------------------

    def pads(self) -> None:
        """Place drilled pads one by one and surface pads in rows, where the grid is free."""
        for _ in range(int(self.rng.integers(3, 14))):
            node = self.random_node()
            if self._block_free(node, 1):
                self._drilled_pad(node)
        for _ in range(int(self.rng.integers(0, 4))):
            self._pad_row()
        if chance(self.rng, 0.25):
            self._drilled_grid()

    def _block_free(self, node: Node, reach: int) -> bool:
        x, y = node
        return self._inside(node) and all(
            self.free((x + i, y + j))
            for i in range(-reach, reach + 1)
            for j in range(-reach, reach + 1)
            if 0 <= x + i < self.count and 0 <= y + j < self.count
        )

    def _drilled_pad(self, node: Node) -> None:
        outer = self.pitch * self.rng.uniform(0.42, 0.95)
        centre = self.at(node)
        if chance(self.rng, 0.7):
            cv2.circle(self.copper, centre, round(outer), 1, cv2.FILLED)
        else:
            axes = (round(outer), round(outer * self.rng.uniform(1.1, 1.35)))
            cv2.ellipse(self.copper, centre, axes, 0.0, 0.0, 360.0, 1, cv2.FILLED)
        hole = outer * self.rng.uniform(0.35, 0.68)
        cv2.circle(self.holes, centre, round(hole), 1, cv2.FILLED)
        reach = 1 if outer > 0.55 * self.pitch else 0
        x, y = node
        for i in range(-reach, reach + 1):
            for j in range(-reach, reach + 1):
                if self.free((x + i, y + j)) and (reach == 0 or i * j == 0 or outer > 0.8 * self.pitch):
                    self.take((x + i, y + j), PAD)
        self.terminals.append(node)

    def _drilled_grid(self) -> None:
        """Place a connector: drilled pads in rows and columns."""
        left, top = self.random_node()
        gap = int(self.rng.integers(2, 4))
        for i in range(int(self.rng.integers(2, 6))):
            for j in range(int(self.rng.integers(1, 4))):
                node = (left + gap * i, top + gap * j)
                if self.free(node) and self._block_free(node, 1):
                    self._drilled_pad(node)

    def _pad_row(self) -> None:
        """Place surface pads side by side, as under a component with leads."""
        x, y = self.random_node()
        down = chance(self.rng, 0.5)
        half_w = self.pitch * self.rng.uniform(0.22, 0.36)
        half_l = self.pitch * self.rng.uniform(0.4, 1.2)
        for i in range(int(self.rng.integers(2, 9))):
            node = (x + i, y) if down else (x, y + i)
            if not self._block_free(node, 0) or not self._ends_free(node, down):
                continue
            cx, cy = self.at(node)
            dx, dy = (half_w, half_l) if down else (half_l, half_w)
            first, last = (round(cx - dx), round(cy - dy)), (round(cx + dx), round(cy + dy))
            cv2.rectangle(self.copper, first, last, 1, cv2.FILLED)
            for step in (-1, 0, 1):
                end = (node[0], node[1] + step) if down else (node[0] + step, node[1])
                if self.free(end):
                    self.take(end, PAD)
            self.terminals.append(node)

    def _ends_free(self, node: Node, down: bool) -> bool:
        ends = [(node[0], node[1] + s) if down else (node[0] + s, node[1]) for s in (-1, 1)]
        return all(self.free(end) or not self._inside(end) for end in ends)

    def _inside(self, node: Node) -> bool:
        return 0 <= node[0] < self.count and 0 <= node[1] < self.count

    def bus(self) -> None:
        """Draw parallel tracks that cross the view with two 45-degree bends."""
        wide = int(self.rng.integers(2, 8))
        across = chance(self.rng, 0.5)
        start = int(self.rng.integers(0, self.count))
        bend, shift = int(self.rng.integers(1, self.count)), int(self.rng.integers(-6, 7))
        for lane in range(wide):
            path: list[Node] = []
            row = start + lane
            turn = bend + (lane if shift < 0 else -lane)
            for i in range(self.count):
                if turn <= i < turn + abs(shift):
                    row += 1 if shift > 0 else -1
                path.append((i, row) if across else (row, i))
            self._lay(path, self.rules.track)

    def _lay(self, path: list[Node], width_mm: float) -> None:
        """Draw the free stretches of a path; a stretch that meets something ends before it."""
        stretch: list[Node] = []
        for node in [*path, (-1, -1)]:
            joins = not stretch or self._crossing_free(stretch[-1], node)
            if self.free(node) and joins:
                stretch.append(node)
                continue
            if len(stretch) >= SHORTEST_TRACK_NODES:
                self._draw_path(stretch, width_mm)
                for used in stretch:
                    self.take(used, TRACK)
            stretch = []

    def _crossing_free(self, a: Node, b: Node) -> bool:
        """Return whether a diagonal step does not cross the diagonal of two taken nodes."""
        if a[0] == b[0] or a[1] == b[1]:
            return True
        one, two = (a[0], b[1]), (b[0], a[1])
        return self.free(one) or self.free(two)

    def _draw_path(self, path: list[Node], width_mm: float) -> None:
        points = np.array([self.at(node) for node in path], dtype=np.int32)
        cv2.polylines(self.copper, [points], isClosed=False, color=1, thickness=max(round(width_mm * self.scale), 1))

    def net(self) -> None:
        """Route one track from a pad or the border to another pad, the border or a via."""
        start = self._pick_start()
        path = self._search(start) if start else []
        if len(path) < SHORTEST_TRACK_NODES:
            return
        self._draw_path(path, self.rules.track * self.rng.uniform(0.75, 1.5))
        for node in path:
            self.take(node, TRACK if self.grid[node[1], node[0]] != PAD else PAD)
        end = path[-1]
        if self._is_interior(end) and end not in self.terminals:
            self._via(end)

    def _is_interior(self, node: Node) -> bool:
        return 0 < node[0] < self.count - 1 and 0 < node[1] < self.count - 1

    def _via(self, node: Node) -> None:
        outer = self.pitch * self.rng.uniform(0.34, 0.48)
        cv2.circle(self.copper, self.at(node), round(outer), 1, cv2.FILLED)
        cv2.circle(self.holes, self.at(node), round(outer * self.rng.uniform(0.35, 0.55)), 1, cv2.FILLED)

    def _pick_start(self) -> Node | None:
        if self.terminals and chance(self.rng, 0.75):
            return self.terminals[int(self.rng.integers(len(self.terminals)))]
        for _ in range(TURN_TRIES):
            along = int(self.rng.integers(self.count))
            node = (0, along) if chance(self.rng, 0.5) else (along, 0)
            if self.free(node):
                return node
        return None

    def _search(self, start: Node) -> list[Node]:
        """Return a shortest octilinear path from ``start`` over free nodes to a goal drawn at random."""
        goal = self.random_node()
        pads = [t for t in self.terminals if t != start]
        if pads and chance(self.rng, 0.55):
            goal = pads[int(self.rng.integers(len(pads)))]
        own = {start, goal, *self._around(start), *self._around(goal)}
        parents: dict[Node, Node] = {start: start}
        waiting = deque([start])
        while waiting:
            node = waiting.popleft()
            if node == goal:
                break
            for dx, dy in STEPS:
                nxt = (node[0] + dx, node[1] + dy)
                if nxt in parents or not self._passable(nxt, own) or not self._crossing_free(node, nxt):
                    continue
                parents[nxt] = node
                waiting.append(nxt)
        if goal not in parents:
            return []
        path = [goal]
        while path[-1] != start:
            path.append(parents[path[-1]])
        return path[::-1]

    def _around(self, node: Node) -> list[Node]:
        near = [(node[0] + dx, node[1] + dy) for dx, dy in STEPS]
        return [n for n in near if self._inside(n) and self.grid[n[1], n[0]] == PAD]

    def _passable(self, node: Node, own: set[Node]) -> bool:
        return self.free(node) or (node in own and self._inside(node) and self.grid[node[1], node[0]] != TRACK)

    def finished(self) -> Layout:
        """Return the layout, its free areas filled with a pour where the design has one."""
        copper = self.copper
        if self.rules.pour:
            reach = round(self.rules.clearance * self.scale)
            disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
            kept_off = cv2.dilate(np.maximum(copper, self.holes), disc)
            region = np.zeros_like(copper)
            corner = self.rng.uniform(0, 0.6, size=2) * self.side
            extent = self.rng.uniform(0.35, 0.9, size=2) * self.side
            first, last = corner.astype(int).tolist(), (corner + extent).astype(int).tolist()
            cv2.rectangle(region, first, last, 1, cv2.FILLED)
            open_area = np.asarray(region & (1 - np.asarray(kept_off, np.uint8)), np.uint8)
            pour = cv2.morphologyEx(open_area, cv2.MORPH_OPEN, disc)
            copper = np.maximum(copper, np.asarray(pour, np.uint8))
        return Layout(np.asarray(copper & (1 - self.holes), np.uint8), self.holes, self.scale)
