"""Many ways to say the same: sentences from which the embedded model learns."""

from inspector.language.corpus.briefs import random_brief
from inspector.language.corpus.sentences import random_sentence

__all__ = ["random_brief", "random_sentence"]
