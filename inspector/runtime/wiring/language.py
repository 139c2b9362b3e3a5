"""Who writes reports and gives a second opinion on open parts, out of a line's settings."""

from __future__ import annotations

from inspector.detection import find_model
from inspector.domain import Decision, Terms
from inspector.language import ReportAuthor as LineAuthor
from inspector.language.advice import DispositionAdvisor, Envelope, PolicyRule, Release
from inspector.language.card import load_writer
from inspector.language.embedded import EmbeddedEngine
from inspector.language.endpoint import EndpointEngine
from inspector.language.engine import GiveWay, at_once
from inspector.settings import EmbeddedLanguage, EndpointLanguage, LineSettings, TransformersLanguage

__all__ = ["build_advisor", "build_author"]


def build_advisor(settings: LineSettings) -> DispositionAdvisor | None:
    """Return the second opinion on open parts, None where the line allows none; raises ``ConfigurationError``."""
    wanted = settings.disposition
    if not (wanted.advise or wanted.may_release or wanted.policy):
        return None
    policy = [
        PolicyRule(Decision[rule.decision.upper()], rule.defect, rule.zone, repeats=rule.repeats, of=rule.of)
        for rule in wanted.policy
    ]
    return DispositionAdvisor(
        Envelope([Release(each.characteristic, each.inside) for each in wanted.may_release], policy)
    )


def build_author(settings: LineSettings, terms: Terms | None = None, *, give_way: GiveWay = at_once) -> LineAuthor:
    """Return who writes the line's reports; raises ``ModelError`` or ``ConfigurationError``.

    Parameters
    ----------
    terms
        What things are called on this line; may change meanwhile.
    give_way
        What a model on this machine asks before every token, so that it keeps out of the verdict path's way.
    """
    language = settings.language
    if isinstance(language, EmbeddedLanguage):
        engine = EmbeddedEngine(load_writer(find_model(language.model)), give_way=give_way)
        return LineAuthor(engine, glossary=terms, deadline_s=language.deadline_ms / 1000)
    if isinstance(language, EndpointLanguage):
        endpoint = EndpointEngine(language.url, model=language.model, token=language.token())
        return LineAuthor(endpoint, glossary=terms, deadline_s=language.deadline_ms / 1000)
    if isinstance(language, TransformersLanguage):
        from inspector.language.local import TransformersEngine  # loads torch

        local = TransformersEngine(
            language.model,
            adapter=language.adapter,
            device=language.device,
            threads=language.threads,
            give_way=give_way,
        )
        return LineAuthor(local, glossary=terms, deadline_s=language.deadline_ms / 1000)
    return LineAuthor(glossary=terms)
