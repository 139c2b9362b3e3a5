"""Every word of the pages, in each language they speak."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hmi.words_desks import DESK_WORDS

__all__ = ["LANGUAGES", "Words"]

LANGUAGES: Mapping[str, str] = MappingProxyType({"en": "EN", "zh": "中文"})

_TABLE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        **DESK_WORDS,
        # the page
        "title": ("Live inspection", "实时检测"),
        "simulated": ("Simulated", "仿真"),
        "ready": ("Ready", "就绪"),
        "not_ready": ("Not ready", "未就绪"),
        "recipe": ("Recipe", "配方"),
        "model": ("Model", "模型"),
        "since": ("since", "自"),
        "language": ("Language", "语言"),
        "theme_light": ("Switch to the light theme", "切换到浅色"),
        "theme_dark": ("Switch to the dark theme", "切换到深色"),
        # lamps
        "lamp_camera": ("Camera", "相机"),
        "lamp_model": ("Model", "模型"),
        "lamp_plc": ("PLC", "PLC"),
        "lamp_mes": ("MES", "MES"),
        "lamp_voice": ("Voice", "语音"),
        "lamp_good": ("OK", "正常"),
        "lamp_bad": ("Lost", "断开"),
        "lamp_unknown": ("Waiting", "等待"),
        "warning_not_encrypted": ("Not encrypted, anonymous", "未加密，匿名"),
        # verdicts
        "pass": ("PASS", "合格"),
        "review": ("REVIEW", "待复检"),
        "fail": ("REJECT", "不合格"),
        "fault": ("NOT INSPECTED", "未检测"),
        "waiting": ("WAITING", "等待零件"),
        "waiting_headline": ("No part has been inspected yet", "尚未检测任何零件"),
        "clean": ("Nothing found", "未发现缺陷"),
        "within": ("All findings within their limits", "所有缺陷均在限值以内"),
        "part": ("Part", "零件"),
        "no_id": ("no id", "无编号"),
        "findings": ("Findings", "缺陷"),
        "more": ("more", "处"),
        "disposition": ("Disposition", "处置"),
        "decision_none": ("none", "无"),
        "decision_accept": ("accept", "放行"),
        "decision_rework": ("rework", "返工"),
        "decision_hold": ("hold", "暂扣"),
        "decision_scrap": ("scrap", "报废"),
        "decision_stop_line": ("stop the line", "停线"),
        # reasons
        "not_allowed": ("not allowed", "不允许"),
        "unlisted": ("no rule covers it", "无适用规则"),
        "not_measured": ("not measured", "未测得"),
        "lot_held": ("its lot is held", "所属批次已扣留"),
        "over_by": ("over by", "超出"),
        "under_by": ("under by", "低于"),
        "too_close": ("near the limit", "接近限值"),
        "unsure": ("not sure enough", "把握不足"),
        "within_limit": ("within", "合格"),
        "limit_max": ("max", "上限"),
        "limit_min": ("min", "下限"),
        "zone": ("zone", "区域"),
        # faults
        "fault_camera_lost": ("Camera does not answer", "相机无响应"),
        "fault_bad_frame": ("Picture incomplete", "图像不完整"),
        "fault_detector": ("Detector failed", "检测出错"),
        "fault_gauge": ("Measuring failed", "测量出错"),
        "fault_judge": ("Limits could not be applied", "判定出错"),
        "fault_deadline": ("Took too long", "检测超时"),
        "fault_overrun": ("Arrived too early", "零件到达过早"),
        "fault_crash": ("Inspection restarted", "检测程序重启"),
        "fault_storage": ("Record could not be stored", "记录无法保存"),
        "fault_plc_lost": ("PLC connection lost", "PLC 连接中断"),
        "fault_plc_ack": ("PLC did not acknowledge", "PLC 未确认"),
        "fault_recipe": ("Unknown recipe", "未知配方"),
        # panels
        "measurements": ("Measurements", "测量结果"),
        "report": ("Report", "检测说明"),
        "by_template": ("written by the template", "由模板撰写"),
        "written_by": ("written by", "撰写："),
        "no_report": ("The report is being written …", "正在生成说明……"),
        "no_measurements": ("Nothing to measure on this part", "该件无需测量"),
        "not_measurable": ("This part was not measured", "该件未测量"),
        "confidence": ("confidence", "置信度"),
        "picture_none": ("No picture was kept for this part", "该件没有保存图像"),
        "picture_broken": ("The picture cannot be loaded", "图像无法加载"),
        "picture_waiting": ("The first picture appears with the first part", "第一件到达后显示图像"),
        "picture_alt": ("Picture of part", "零件图像"),
        "follow_all": ("All parts", "全部"),
        "follow_rejects": ("Not passed", "未合格"),
        "hold_picture": ("Hold", "定格"),
        "back_to_live": ("Back to live", "返回实时"),
        "earlier": ("Earlier part", "历史零件"),
        "ms": ("ms", "毫秒"),
        # counts
        "yield": ("First-pass yield", "一次合格率"),
        "trend": ("by {parts} parts", "每 {parts} 件"),
        "no_trend": ("Begins after {parts} parts", "{parts} 件后开始"),
        "count_passed": ("Passed", "合格"),
        "count_review": ("Review", "待复检"),
        "count_failed": ("Rejected", "不合格"),
        "count_faults": ("Not inspected", "未检测"),
        "last_parts": ("Last parts", "最近零件"),
        # people
        "no_login": ("No log-in", "未启用登录"),
        "no_login_detail": (
            "Whoever reaches this screen may act; the record does not know who.",
            "任何人均可在此屏幕操作，记录中无法区分操作者。",
        ),
        "log_in": ("Log in", "登录"),
        "log_out": ("Log out", "退出"),
        "name": ("Name", "姓名"),
        "secret": ("Password or PIN", "密码或 PIN"),
        "refused": ("Wrong name or password, or locked for a minute", "姓名或密码错误，或账户锁定一分钟"),
        "role_operator": ("operator", "操作员"),
        "role_quality": ("quality", "质量"),
        "role_engineer": ("engineer", "工程师"),
        "role_admin": ("administrator", "管理员"),
        # review
        "review_queue": ("Review queue", "复检队列"),
        "live_page": ("Live", "实时"),
        "waiting_parts": ("waiting", "件待复检"),
        "queue_empty": ("No part waits for a decision", "没有待决定的零件"),
        "choose_reason": ("Reason", "原因"),
        "reason_first": ("Choose a reason first", "请先选择原因"),
        "reason_false_alarm": ("False alarm", "误报"),
        "reason_within_limits": ("Within limits", "在限值内"),
        "reason_cosmetic": ("Cosmetic only", "仅外观"),
        "reason_repairable": ("Repairable", "可返修"),
        "reason_defect_confirmed": ("Defect confirmed", "缺陷属实"),
        "reason_unclear": ("Unclear", "无法判断"),
        "do_accept": ("Accept", "放行"),
        "do_rework": ("Rework", "返工"),
        "do_scrap": ("Scrap", "报废"),
        "decided": ("decided", "已决定"),
        "not_allowed_here": ("Your role may not do this", "您的角色无权执行此操作"),
        "already_decided": ("Somebody else has decided about this part", "该零件已由他人决定"),
        "not_recorded": ("The decision could not be recorded", "决定无法记录"),
        # connection
        "lost_title": ("Connection lost", "连接已断开"),
        "lost_detail": (
            "This screen no longer hears from the line. What it shows may be old.",
            "本屏幕已收不到产线数据，显示内容可能已过时。",
        ),
        "lost_retry": ("Reconnecting by itself …", "正在自动重新连接……"),
        "lost_since": ("Last heard at", "最后更新"),
    }
)


class Words:
    """The words of one language, with the line's own terms for defects, characteristics and zones.

    Parameters
    ----------
    language
        ``en`` or ``zh``; anything else reads English.
    glossary
        Term -> language -> name; a term it does not hold is shown as it is, underscores as spaces.
    """

    def __init__(self, language: str, glossary: Mapping[str, Mapping[str, str]]) -> None:
        self.language = language if language in LANGUAGES else "en"
        self._column = tuple(LANGUAGES).index(self.language)
        self._glossary = glossary

    def __getitem__(self, key: str) -> str:
        return _TABLE[key][self._column]

    def get(self, key: str, default: str) -> str:
        """Return the word of this key, or ``default`` where the pages have none."""
        return _TABLE[key][self._column] if key in _TABLE else default

    def term(self, term: str) -> str:
        """Return the name of a defect class, characteristic or zone."""
        return self._glossary.get(term, {}).get(self.language, term.replace("_", " "))

    def title(self, term: str) -> str:
        """Return the term's name as it stands at the head of a line."""
        name = self.term(term)
        return name[:1].upper() + name[1:]
