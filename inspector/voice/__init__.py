"""From speech to commands: grammar, recognisers, dialogue; runs outside the line's process."""

from inspector.voice.commands import COMMANDS, command_of
from inspector.voice.graph import Meaning
from inspector.voice.interpreter import DIALOGUE, Grammar, Interpreter, Refused, Unclear
from inspector.voice.vocabulary import Vocabulary

__all__ = [
    "COMMANDS",
    "DIALOGUE",
    "Grammar",
    "Interpreter",
    "Meaning",
    "Refused",
    "Unclear",
    "Vocabulary",
    "command_of",
]
