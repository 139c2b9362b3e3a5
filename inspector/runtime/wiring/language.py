"""Who writes reports and gives a second opinion on open parts, out of a line's settings."""

from __future__ import annotations

from inspector.detection import find_model
from inspector.domain import Decision
from inspector.language import ReportAuthor as LineAuthor
from inspector.language.advice import DispositionAdvisor, Envelope, PolicyRule, Release
from inspector.language.card import load_writer
from inspector.language.embedded import EmbeddedEngine
from inspector.language.endpoint import EndpointEngine
from inspector.settings import EmbeddedLanguage, EndpointLanguage, LineSettings

__all__ = ["build_advisor", "build_author"]


def build_advisor(settings: LineSettings) -> DispositionAdvisor | None:
    """Return the second opinion on open parts, None where the line allows none; raises ``ConfigurationError``."""
    wanted = settings.disposition
    if not wanted.may_release and not wanted.policy:
        return None
    policy = [
        PolicyRule(Decision[rule.decision.upper()], rule.defect, rule.zone, repeats=rule.repeats, of=rule.of)
        for rule in wanted.policy
    ]
    return DispositionAdvisor(
        Envelope([Release(each.characteristic, each.inside) for each in wanted.may_release], policy)
    )


def build_author(settings: LineSettings) -> LineAuthor:
    """Return who writes the line's reports; raises ``ModelError`` or ``ConfigurationError``."""
    language = settings.language
    if isinstance(language, EmbeddedLanguage):
        engine = EmbeddedEngine(load_writer(find_model(language.model)))
        return LineAuthor(engine, deadline_s=language.deadline_ms / 1000)
    if isinstance(language, EndpointLanguage):
        endpoint = EndpointEngine(language.url, model=language.model, token=language.token())
        return LineAuthor(endpoint, deadline_s=language.deadline_ms / 1000)
    return LineAuthor()
