"""What an expression of PromQL asks for, held against what is exposed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import promql_parser
from prometheus_client import Metric

__all__ = ["labels_of", "names_in", "unknown"]

SCRAPED = {"job", "instance"}  # Prometheus itself gives these to every sample
GRAFANA = {"$__rate_interval": "5m", "$__range": "1h"}


def unknown(expression: str, families: Iterable[Metric]) -> list[str]:
    """Return what the expression asks for that no sample has: names, labels, values of labels.

    Raises ``ValueError`` where it is no PromQL. A matcher of a variable (``$line``) is held to its label only.
    """
    exposed: dict[str, list[Mapping[str, str]]] = {}
    for family in families:
        for sample in family.samples:
            exposed.setdefault(sample.name, []).append(sample.labels)
    found, nodes = [], list(_nodes(_parsed(expression)))
    for selector in nodes:
        if not isinstance(selector, promql_parser.VectorSelector) or selector.name == "up":  # Prometheus' own
            continue
        samples = exposed.get(str(selector.name), [])
        if not samples:
            found.append(str(selector.name))
        for matcher in selector.matchers.matchers:
            values = {labels[matcher.name] for labels in samples if matcher.name in labels}
            # Of what is left out, too, one has to be there: else the matcher is about nothing.
            wants = set(filter(None, matcher.value.split("|"))) if "Re" in str(matcher.op) else {matcher.value}
            there = bool(values) if matcher.value.startswith("$") else wants <= values
            if matcher.name not in SCRAPED and not there:
                found.append(f"{selector.name} {matcher.name} {matcher.value}")
    labels = SCRAPED.union(*(one for samples in exposed.values() for one in samples))
    named = set[str]().union(*(_labels_named(node) for node in nodes))
    return found + [f"by {label}" for label in sorted(named - labels)]


def names_in(expression: str) -> set[str]:
    """Return the names of the metrics in an expression."""
    return {str(node.name) for node in _nodes(_parsed(expression)) if isinstance(node, promql_parser.VectorSelector)}


def labels_of(expression: str, families: Iterable[Metric]) -> set[str]:
    """Return the labels that its result may have: those of ``by``, else those of its samples."""
    groups = [node for node in _nodes(_parsed(expression)) if isinstance(node, promql_parser.AggregateExpr)]
    if groups:
        return set[str]().union(*(_labels_named(node) for node in groups))
    names = names_in(expression)
    return SCRAPED.union(*(sample.labels for family in families for sample in family.samples if sample.name in names))


def _parsed(expression: str) -> Any:
    for variable, value in GRAFANA.items():
        expression = expression.replace(variable, value)
    return promql_parser.parse(expression)


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    inner = [getattr(node, name, None) for name in ("lhs", "rhs", "expr", "vector_selector")]
    for child in (*filter(None, inner), *getattr(node, "args", ())):
        yield from _nodes(child)


def _labels_named(node: Any) -> set[str]:
    """Return the labels of ``by``, ``on`` and ``group_left``."""
    modifier = getattr(node, "modifier", None)
    if modifier is None:
        return set()
    if isinstance(node, promql_parser.AggregateExpr):
        return set(modifier.labels)
    matching = modifier.matching.labels if modifier.matching is not None else ()
    return {*matching, *(modifier.group_labels or ())}
