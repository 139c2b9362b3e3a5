"""The words of the push-to-talk key."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["TALK_WORDS"]

TALK_WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "talk": ("Talk", "讲话"),
        "talk_hint": ("Hold and speak; or hold the space bar", "按住讲话，或按住空格键"),
        "talk_speak": ("Speak", "请讲"),
        "talk_open": ("Leave the microphone open", "麦克风常开"),
        "talk_opened": ("The microphone is open: say “{} …”", "麦克风已开，请说“{}……”"),
        "talk_open_hint": (
            "Leave the microphone open: what begins with “{}” is a command, nothing else is listened to",
            "麦克风常开：只有以“{}”开头的话才是指令，其他一概不听",
        ),
        "talk_heard": ("Heard", "听到"),
        "talk_code": ("Confirmation code", "确认码"),
        "talk_type": ("Or type it", "或输入文字"),
        "talk_send": ("Send", "发送"),
        "talk_close": ("Close", "关闭"),
        "talk_clipped": ("Too loud: speak from further away", "声音过大，请离麦克风远一些"),
        "talk_dead": ("No sound: is the microphone plugged in and not muted?", "没有声音：麦克风是否已插好且未静音？"),
        "talk_away": ("The voice is not there at the moment", "语音暂不可用"),
        "talk_denied": ("The browser does not give the microphone: allow it", "浏览器未授权麦克风，请允许"),
        "talk_no_microphone": ("There is no microphone", "没有麦克风"),
        "talk_insecure": (
            "A browser gives the microphone only over https, or on this machine itself",
            "浏览器仅在 https 或本机访问时提供麦克风",
        ),
    }
)
