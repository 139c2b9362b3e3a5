"""From speech to commands: grammar, recognisers, dialogue; runs outside the line's process."""

from inspector.voice.answers import Answers
from inspector.voice.audio import RATE, Levels, levels, read_audio
from inspector.voice.commands import COMMANDS, command_of
from inspector.voice.dialogue import SPOKEN, Desk, Dialogue, Kind, NoTrail, Reply, Trail, needs_confirmation
from inspector.voice.embedded import DEFAULT_GATE, EmbeddedRecogniser, Heard, Listener
from inspector.voice.endpoint import Endpointer, EnergyDetector, SileroDetector, SpeechDetector, Utterance
from inspector.voice.enrolment import Read, read_aloud, sentences_to_read, trust_from
from inspector.voice.evidence import Evidence, Gate, Risk, risk_of
from inspector.voice.export import cache_folder, exported
from inspector.voice.graph import Meaning
from inspector.voice.interpreter import DIALOGUE, Grammar, Interpreter, Refused, Unclear
from inspector.voice.microphone import InputDevice, Microphone, PortAudioMicrophone, Watch, input_devices
from inspector.voice.models import CATALOGUE, SpeechModel, installed_model, pull
from inspector.voice.part_answers import PartAnswers
from inspector.voice.press import Press, Pressed, listened
from inspector.voice.read_back import EspeakReadBack, ReadBack
from inspector.voice.refused import RefusedSpeech
from inspector.voice.rights import ACT_OF, may_say
from inspector.voice.speech import Speaker, factory_noise, held_out_speakers, mixed, speakers
from inspector.voice.stream import finals, fingerprint
from inspector.voice.vocabulary import Vocabulary
from inspector.voice.vosk_recogniser import VoskRecogniser
from inspector.voice.wake import Vigil, called, commanded

__all__ = [
    "ACT_OF",
    "CATALOGUE",
    "COMMANDS",
    "DEFAULT_GATE",
    "DIALOGUE",
    "RATE",
    "SPOKEN",
    "Answers",
    "Desk",
    "Dialogue",
    "EmbeddedRecogniser",
    "Endpointer",
    "EnergyDetector",
    "EspeakReadBack",
    "Evidence",
    "Gate",
    "Grammar",
    "Heard",
    "InputDevice",
    "Interpreter",
    "Kind",
    "Levels",
    "Listener",
    "Meaning",
    "Microphone",
    "NoTrail",
    "PartAnswers",
    "PortAudioMicrophone",
    "Press",
    "Pressed",
    "Read",
    "ReadBack",
    "Refused",
    "RefusedSpeech",
    "Reply",
    "Risk",
    "SileroDetector",
    "Speaker",
    "SpeechDetector",
    "SpeechModel",
    "Trail",
    "Unclear",
    "Utterance",
    "Vigil",
    "Vocabulary",
    "VoskRecogniser",
    "Watch",
    "cache_folder",
    "called",
    "command_of",
    "commanded",
    "exported",
    "factory_noise",
    "finals",
    "fingerprint",
    "held_out_speakers",
    "input_devices",
    "installed_model",
    "levels",
    "listened",
    "may_say",
    "mixed",
    "needs_confirmation",
    "pull",
    "read_aloud",
    "read_audio",
    "risk_of",
    "sentences_to_read",
    "speakers",
    "trust_from",
]
