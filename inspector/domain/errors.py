"""The error tree: every adapter translates third-party exceptions into these, at its edge, with ``from``.

InspectorError
├── ConfigurationError      the line's description is wrong: fix a file, then start again
│   ├── SettingsError           line_configs/*.yaml
│   └── ModelError              a model folder: card, weights, classes
├── CaptureError            no usable frame for this trigger
│   ├── CameraLost              the source is gone: reconnect
│   └── BadFrame                a frame arrived but cannot be inspected
├── DetectionError          the detector failed on this frame
├── GaugingError            a finding could not be measured
├── PlcError                the PLC could not be read or written
│   └── PlcLost                 connection gone: the outcome of the last write is unknown
├── StoreError              the record could not be written or read
│   └── DiskFull                no room: the line must hold, not forget
├── MesError                broker or MES
│   └── BrokerLost
├── AccountError            a user cannot be added or changed like this
├── ReviewError             a person's decision about a part was not taken
│   ├── NotAllowed              the role does not allow it
│   └── AlreadyDecided          the part is not held, or not any more
├── LineError               a person's command to the line was not carried out
├── ReportError             a shift report could not be made or written
├── LanguageError           text or advice could not be produced; the template speaks
└── VoiceError              speech could not be heard or understood by a machine; nothing was commanded
    └── BadAudio                a recording that is no speech to listen to: silent, clipped, truncated, not audio
"""

from __future__ import annotations

__all__ = [
    "AccountError",
    "AlreadyDecided",
    "BadAudio",
    "BadFrame",
    "BrokerLost",
    "CameraLost",
    "CaptureError",
    "ConfigurationError",
    "DetectionError",
    "DiskFull",
    "GaugingError",
    "InspectorError",
    "LanguageError",
    "LineError",
    "MesError",
    "ModelError",
    "NotAllowed",
    "PlcError",
    "PlcLost",
    "ReportError",
    "ReviewError",
    "SettingsError",
    "StoreError",
    "VoiceError",
]


class InspectorError(Exception):
    """Root of everything this product raises on purpose.

    Parameters
    ----------
    message
        What is wrong, naming the thing (file, key, address, device).
    remedy
        What the reader can do about it, as a sentence; shown after the message.
    """

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}. {self.remedy}" if self.remedy else self.message

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross process boundaries here; the keyword-only argument would be lost by default.
        return (_rebuild, (type(self), self.message, self.remedy))


def _rebuild(kind: type[InspectorError], message: str, remedy: str) -> InspectorError:
    return kind(message, remedy=remedy)


class ConfigurationError(InspectorError):
    """The line's description is wrong; nothing was started."""


class SettingsError(ConfigurationError):
    """A line YAML is missing, unreadable or invalid."""


class ModelError(ConfigurationError):
    """A model folder is incomplete, altered or does not fit the line."""


class CaptureError(InspectorError):
    """No usable frame for this trigger."""


class CameraLost(CaptureError):
    """The image source is gone and has to be reconnected."""


class BadFrame(CaptureError):
    """A frame arrived that cannot be inspected: truncated, wrong size or wrong bit depth."""


class DetectionError(InspectorError):
    """The detector failed on this frame."""


class GaugingError(InspectorError):
    """A finding could not be measured."""


class PlcError(InspectorError):
    """The PLC could not be read or written."""


class PlcLost(PlcError):
    """The connection is gone; whether the last write was applied is unknown."""


class StoreError(InspectorError):
    """The record could not be written or read."""


class DiskFull(StoreError):
    """There is no room left for the record."""


class MesError(InspectorError):
    """The MES or its broker refused or failed."""


class BrokerLost(MesError):
    """The connection to the broker is gone."""


class AccountError(InspectorError):
    """A user cannot be added or changed like this; nothing was changed."""


class ReviewError(InspectorError):
    """A person's decision about a part was not taken; the part stays as it was."""


class NotAllowed(ReviewError):
    """The person's role does not allow this."""


class AlreadyDecided(ReviewError):
    """The part is not held, or not any more."""


class LineError(InspectorError):
    """A person's command to the line was not carried out; the line is as it was."""


class ReportError(InspectorError):
    """A shift report could not be made or written; the record is untouched."""


class LanguageError(InspectorError):
    """A text or an advice could not be produced in time or in form."""


class VoiceError(InspectorError):
    """The recogniser failed; nothing was commanded."""


class BadAudio(VoiceError):
    """A recording that cannot be listened to: silent, clipped, truncated, too short or long, or not audio."""
