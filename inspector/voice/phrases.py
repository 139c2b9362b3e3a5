"""What the voice says back, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["describe", "phrase"]

_PHRASES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "nothing_said": "I heard nothing. Speak after the tone.",
        "unknown": "I did not understand, so nothing was done. Say for example: why did part 0042 fail.",
        "unsure": "I may have heard '{text}', but I am not sure, so nothing was done. Please say it again.",
        "ambiguous": "'{text}' can mean two things, so nothing was done. Say the digits one by one.",
        "no_such_part": "There is no part {detail} here, so nothing was done. Leading zeros count.",
        "several_parts": "Several parts end in {detail}, so nothing was done. Say the whole number.",
        "no_such_lot": "There is no lot {detail} here, so nothing was done.",
        "several_lots": "Several lots end in {detail}, so nothing was done. Say the whole number.",
        "overdriven": "Too loud: the microphone is overdriven, so nothing was done. Speak from further away.",
        "silent": "The microphone gives no sound, so nothing was done. Check that it is plugged in and not muted.",
        "forbidden": "{act}: not allowed for the role {role}, so nothing was done.",
        "blocked": "{act}: not now, {reason}. Nothing was done.",
        "confirm": "{act}? Say: confirm {code}.",
        "wrong_code": "That is not the code, so nothing was done. Say: confirm {code}.",
        "gave_up": "Wrong code again: {act} is cancelled. Nothing was done.",
        "nothing_to_confirm": "There is nothing to confirm.",
        "expired": "Too late: {act} has expired. Nothing was done.",
        "cancelled": "Cancelled: {act}. Nothing was done.",
        "nothing_to_cancel": "There is nothing to cancel.",
        "nothing_to_correct": "There is nothing to correct.",
        "nothing_to_repeat": "Nothing has been said yet.",
        "done": "Done: {act}.",
        "already": "Already done: {act}.",
        "failed": "{act} did not work: {reason}.",
        "no_audit": "{act}: the audit cannot be written, so nothing was done.",
    },
    "zh": {
        "nothing_said": "没有听到声音。请在提示音后说话。",
        "unknown": "没有听懂，未执行任何操作。例如可以说：零件0042为什么不合格。",
        "unsure": "可能听到了“{text}”，但不确定，未执行任何操作。请再说一遍。",
        "ambiguous": "“{text}”有两种意思，未执行任何操作。请逐个说出数字。",
        "no_such_part": "没有零件{detail}，未执行任何操作。前面的零也要说。",
        "several_parts": "有多个零件以{detail}结尾，未执行任何操作。请说完整编号。",
        "no_such_lot": "没有批次{detail}，未执行任何操作。",
        "several_lots": "有多个批次以{detail}结尾，未执行任何操作。请说完整编号。",
        "overdriven": "声音太大，麦克风过载，未执行任何操作。请离远一些。",
        "silent": "麦克风没有声音，未执行任何操作。请检查是否已插好、未静音。",
        "forbidden": "{act}：角色{role}无权执行，未执行任何操作。",
        "blocked": "{act}：现在不行，{reason}。未执行任何操作。",
        "confirm": "{act}？请说：确认{code}。",
        "wrong_code": "确认码不对，未执行任何操作。请说：确认{code}。",
        "gave_up": "确认码再次错误：{act}已取消，未执行任何操作。",
        "nothing_to_confirm": "没有需要确认的操作。",
        "expired": "超时：{act}已失效，未执行任何操作。",
        "cancelled": "已取消：{act}。未执行任何操作。",
        "nothing_to_cancel": "没有可取消的操作。",
        "nothing_to_correct": "没有可更正的操作。",
        "nothing_to_repeat": "还没有说过话。",
        "done": "已完成：{act}。",
        "already": "已经完成：{act}。",
        "failed": "{act}失败：{reason}。",
        "no_audit": "{act}：无法写入审计记录，未执行任何操作。",
    },
}

_ACTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "accept_part": "accept part {part}",
        "reject_part": "scrap part {part}",
        "rework_part": "rework part {part}",
        "hold_part": "hold part {part}",
        "hold_line": "hold the line",
        "release_line": "release the line",
        "hold_lot": "hold lot {lot}",
        "release_lot": "release lot {lot}",
        "select_recipe": "select recipe {recipe}",
        "acknowledge_alarm": "acknowledge the alarm",
        "start_challenge_test": "start the challenge test",
        "remark": "note {defect} {zone}",
        **dict.fromkeys(("where", "largest", "how_many", "is_there", "limit"), "the question about part {part}"),
        "lot_rejects": "the question about lot {lot}",
        "confirm": "confirm",
        "correct": "correct",
    },
    "zh": {
        "accept_part": "接受零件{part}",
        "reject_part": "报废零件{part}",
        "rework_part": "返工零件{part}",
        "hold_part": "扣留零件{part}",
        "hold_line": "暂停产线",
        "release_line": "恢复产线",
        "hold_lot": "扣留批次{lot}",
        "release_lot": "放行批次{lot}",
        "select_recipe": "选择配方{recipe}",
        "acknowledge_alarm": "确认报警",
        "start_challenge_test": "开始挑战测试",
        "remark": "备注{zone}{defect}",
        **dict.fromkeys(("where", "largest", "how_many", "is_there", "limit"), "关于零件{part}的问题"),
        "lot_rejects": "关于批次{lot}的问题",
        "confirm": "确认",
        "correct": "更正",
    },
}


def phrase(language: str, key: str, **values: str) -> str:
    """Return a sentence of the voice with its values put in."""
    return _PHRASES[language][key].format(**values)


def describe(language: str, intent: str, slots: Mapping[str, str]) -> str:
    """Return an act in words, as it is read back."""
    filled = {"part": "", "lot": "", "recipe": "", "defect": "", "zone": "", **slots}
    return " ".join(_ACTS[language].get(intent, intent).format(**filled).split())
