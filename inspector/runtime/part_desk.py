"""Questions about one part: read by the grammar, answered from the record, never by a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from inspector.domain import PartAnswer, PartQuery, PartQuestion, RecordedPart
from inspector.voice import Grammar, Interpreter, PartAnswers, Refused, Vocabulary

__all__ = ["RecordPartDesk", "read_question"]

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "en": ("is there any {defect} near the {zone}", "which is the largest", "how many", "why rejected",
           "how far is it from the limit", "where is it"),
    "zh": ("{zone}附近有{defect}吗", "哪个最大", "有多少处", "为什么不合格", "离限值多远", "缺陷在哪里"),
}  # fmt: skip
_ASK = {"en": "This can be asked: {examples}.", "zh": "可以这样问：{examples}。"}
_SEVERAL = {"en": "This can mean two things. ", "zh": "这有两种意思。"}
_JOIN = {"en": "; ", "zh": "；"}


class RecordPartDesk:
    """A ``PartDesk`` over the record.

    Parameters
    ----------
    find
        Inspection -> its record, None where there is none; raises ``StoreError``.
    vocabulary
        Returns the line's defects and zones as they are called now, in a language.
    """

    def __init__(
        self,
        find: Callable[[UUID], RecordedPart | None],
        answers: PartAnswers,
        vocabulary: Callable[[str], Vocabulary],
    ) -> None:
        self._find, self._answers, self._vocabulary = find, answers, vocabulary

    def ask(self, report_id: UUID, text: str, language: str) -> PartAnswer | None:
        """Return the answer, None where the record has no such inspection; raises ``StoreError``."""
        part = self._find(report_id)
        return None if part is None else self.about(part, text, language)

    def about(self, part: RecordedPart, text: str, language: str) -> PartAnswer:
        """Return the answer to a question about this part; what is not understood is met with what can be asked."""
        vocabulary = self._vocabulary(language)
        question = read_question(text, language, vocabulary)
        if isinstance(question, PartQuestion):
            return self._answers.answer(part, question, language)
        ask = _ASK[language].format(examples=_JOIN[language].join(_examples(vocabulary, language)))
        return PartAnswer((_SEVERAL[language] if question.why == "ambiguous" else "") + ask)

    def examples(self, language: str) -> Sequence[str]:
        """Return questions that are understood."""
        return _examples(self._vocabulary(language), language)


def read_question(text: str, language: str, vocabulary: Vocabulary) -> PartQuestion | Refused:
    """Return what a sentence asks, or why that is not clear."""
    meaning = Interpreter(Grammar.about_part(language, vocabulary)).understand(text)
    if isinstance(meaning, Refused):
        return meaning
    return PartQuestion(PartQuery(meaning.intent), meaning.slot("defect"), meaning.slot("zone"))


def _examples(vocabulary: Vocabulary, language: str) -> list[str]:
    """Return the examples with names of this line; those that need a name that it does not have are left out."""
    names = {
        slot: next(iter((*forms, name)), "")
        for slot, known in (("defect", vocabulary.defects), ("zone", vocabulary.zones))
        for name, forms in list(known.items())[:1]
    }
    return [
        example.format(**names)
        for example in EXAMPLES[language]
        if all(f"{{{slot}}}" not in example or slot in names for slot in ("defect", "zone"))
    ]
