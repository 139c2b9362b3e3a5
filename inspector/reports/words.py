"""Every word of the shift report, in each language it speaks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from inspector.domain import ReportError

__all__ = ["LANGUAGES", "ReportWords"]

LANGUAGES = ("en", "zh")

_TABLE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "title": ("Shift quality report", "班次质量报告"),
        "line": ("Line", "产线"),
        "shift": ("Shift", "班次"),
        "made": ("Made at", "生成时间"),
        "page": ("Page", "第"),
        "simulated": ("Simulated: these are not real parts", "仿真数据：非真实零件"),
        "unfinished": ("The shift has not ended: figures so far", "班次尚未结束：为当前数据"),
        "summary": ("Summary", "摘要"),
        "none": ("None.", "无。"),
        "yes": ("yes", "是"),
        "no": ("no", "否"),
        # counts
        "counts": ("Parts", "零件"),
        "counts_previous": ("Previous shift", "上一班次"),
        "counts_band": ("Band of the last shifts", "近期班次范围"),
        "parts": ("Parts", "零件数"),
        "passed": ("Passed", "合格"),
        "review": ("Review", "待复检"),
        "failed": ("Rejected", "不合格"),
        "faults": ("Not inspected", "未检测"),
        "yield": ("First-pass yield", "一次合格率"),
        "change": ("Change of yield, points", "合格率变化（百分点）"),
        "shifts": ("Shifts", "班次数"),
        "lowest": ("Lowest yield", "最低合格率"),
        "median": ("Median yield", "合格率中位数"),
        "highest": ("Highest yield", "最高合格率"),
        "recipe": ("Recipe", "配方"),
        "recipes": ("By recipe", "按配方"),
        "hours": ("By hour", "按小时"),
        "from": ("From", "开始"),
        "to": ("To", "结束"),
        "fault": ("Cause", "原因"),
        "fault_table": ("Parts that were not inspected", "未检测的零件"),
        # charts
        "p_chart": ("Share of parts that did not pass, hour by hour (p chart)", "每小时未合格率（p 图）"),
        "centre": ("centre line", "中心线"),
        "signals": ("Signals", "异常信号"),
        "signal_beyond": ("beyond 3 sigma", "超出 3σ"),
        "signal_run": ("7 on one side", "连续 7 点同侧"),
        "signal_trend": ("6 rising or falling", "连续 6 点上升或下降"),
        "signal_two_of_three": ("2 of 3 beyond 2 sigma", "3 点中 2 点超出 2σ"),
        "last_points": ("last points shown", "显示最后的点数"),
        # findings
        "pareto": ("Findings by class (Pareto)", "缺陷分类（帕累托）"),
        "class": ("Class", "类别"),
        "findings": ("Findings", "缺陷数"),
        "share": ("Share", "占比"),
        "cumulative": ("Cumulative", "累计"),
        "zones": ("Findings in zones", "区域内缺陷"),
        "zone": ("Zone", "区域"),
        "examples": ("Examples", "示例"),
        # characteristics
        "characteristics": ("Characteristics", "特性"),
        "characteristic": ("Characteristic", "特性"),
        "number": ("Values", "数值个数"),
        "mean": ("Mean", "平均值"),
        "deviation": ("Std. deviation", "标准差"),
        "smallest": ("Smallest", "最小值"),
        "largest": ("Largest", "最大值"),
        "uncertainty": ("Uncertainty (k = 2)", "不确定度 (k = 2)"),
        "lsl": ("LSL", "下限"),
        "usl": ("USL", "上限"),
        "outside": ("Outside", "超限"),
        "within": ("Sigma within", "组内 σ"),
        "chart": ("Chart", "控制图"),
        "capability": ("Capability, with 95 % confidence interval", "过程能力（95 % 置信区间）"),
        "normal": ("Looks normal", "近似正态"),
        "not_capable": (
            "Capability is given from 25 values on, where a limit is set. The indices assume a normal distribution; "
            "where the Shapiro-Wilk test says no, read them with care. Values are those of findings, not of all parts.",
            "数值不少于 25 个且设有限值时给出过程能力。指数以正态分布为前提；夏皮罗-威尔克检验不通过时请谨慎解读。"
            "数值来自缺陷，而非全部零件。",
        ),
        # decisions
        "decisions": ("Dispositions", "处置"),
        "decision": ("Decision", "决定"),
        "decision_none": ("none", "无"),
        "decision_accept": ("accept", "放行"),
        "decision_rework": ("rework", "返工"),
        "decision_hold": ("hold", "暂扣"),
        "decision_scrap": ("scrap", "报废"),
        "decision_stop_line": ("stop the line", "停线"),
        "overrides": ("Decisions by people", "人工决定"),
        "part": ("Part", "零件"),
        "reason": ("Reason", "原因"),
        "by": ("By", "决定人"),
        "at": ("At", "时间"),
        # reviews
        "lots": ("By lot", "按批次"),
        "lot": ("Lot", "批次"),
        "reviews": ("What people found in the parts they looked at", "人工复检结果"),
        "confusion": ("What the line said, and what people found", "系统判定与人工结论对照"),
        "line_said": ("The line said", "系统判定"),
        "looked_at": ("Looked at", "已复检"),
        "found_good": ("Good", "良品"),
        "found_bad": ("Bad", "不良"),
        "found_unclear": ("Unclear", "无法判断"),
        "estimate": ("Estimate, with 95 % interval", "估计值（95 % 区间）"),
        "rejected_wrongly": ("False rejects: held or rejected parts that were good", "误拒：暂扣或不合格中的良品"),
        "escaped": ("Escapes: passed parts that were bad", "漏检：合格中的不良品"),
        "said_pass": ("passed", "合格"),
        "said_review": ("review", "待复检"),
        "said_fail": ("rejected", "不合格"),
        "said_fault": ("not inspected", "未检测"),
        "no_class": ("without findings", "无缺陷"),
        "reviews_note": (
            "People decide about the parts that they look at, which are no random sample: the estimates are those of "
            "such parts. Escapes are known only where people looked at passed parts; where they did not, reviews say "
            "nothing about them. Intervals: Wilson (1927).",
            "人工只复检部分零件，并非随机抽样，估计值仅代表这些零件。只有复检过合格件时才能得知漏检；否则复检结果对漏检不作说明。"
            "区间：Wilson (1927)。",
        ),
        # the adviser
        "advice": ("The adviser beside people, by week", "建议与人工结论对照（按周）"),
        "week": ("Week from", "周（起始）"),
        "advised": ("Advised on", "给出建议"),
        "released": ("Released without a person", "未经人工放行"),
        "agreed_exactly": ("Same decision", "决定相同"),
        "agreed_on_release": ("Same on accept or not", "放行与否相同"),
        "cost_of_rules": ("Cost of holding them all", "全部暂扣的成本"),
        "cost_of_opinions": ("Cost of its opinions", "按建议的成本"),
        # ledger
        "ledger": ("Trigger ledger", "触发账目"),
        "triggers": ("Triggers counted by the PLC", "PLC 计数的触发"),
        "verdicts": ("Verdicts recorded", "已记录的判定"),
        "written": ("Verdicts written to the PLC", "已写入 PLC 的判定"),
        "agree": ("All agree", "全部一致"),
        "gaps": ("Differences: sequence numbers without a record", "差异：无记录的序号"),
        "after": ("After", "之后"),
        "before": ("Before", "之前"),
        "missing": ("Missing", "缺少"),
        "restarted": ("Counter restarted", "计数器重启"),
        "unwritten": ("Differences: verdicts that the PLC did not take", "差异：PLC 未接收的判定"),
        "stops": ("Stops", "停机"),
        "stopped": ("Minutes stopped", "停机分钟"),
        "planned": ("Minutes planned", "计划分钟"),
        "minutes": ("Minutes", "分钟"),
        # what inspected
        "identity": ("What inspected", "检测依据"),
        "what": ("What", "项目"),
        "name": ("Name", "名称"),
        "hash": ("SHA-256", "SHA-256"),
        "model": ("Model", "模型"),
        "calibration": ("Calibration", "标定"),
        "sources": (
            "Control charts: AIAG, Statistical Process Control, 2nd ed. Capability: ISO 22514-2; intervals: "
            "chi-squared for Cp and Pp, Bissell (1990) for Cpk and Ppk. First-pass yield: parts passed at the first "
            "inspection of all parts triggered, parts that could not be inspected included. Recipe and calibration "
            "hashes are those of the line's description when this report was made.",
            "控制图：AIAG《统计过程控制》第 2 版。过程能力：ISO 22514-2；置信区间：Cp 与 Pp 用卡方分布，"
            "Cpk 与 Ppk 用 Bissell (1990)。一次合格率：首次检测合格数占全部触发零件数（含未检测）。"
            "配方与标定的哈希取自生成本报告时的产线配置。",
        ),
    }
)


class ReportWords:
    """The words of one language, with the line's own terms.

    Parameters
    ----------
    glossary
        Term -> language -> name of classes, characteristics and zones; an unknown term is shown as it is.

    Raises
    ------
    ReportError
        The report does not speak this language.
    """

    def __init__(self, language: str, glossary: Mapping[str, Mapping[str, str]]) -> None:
        if language not in LANGUAGES:
            raise ReportError(f"no shift reports in language {language!r}", remedy=f"Use one of {', '.join(LANGUAGES)}")
        self.language = language
        self._column = LANGUAGES.index(language)
        self._glossary = glossary

    def __getitem__(self, key: str) -> str:
        return _TABLE[key][self._column]

    def term(self, term: str) -> str:
        """Return the name of a class, characteristic or zone."""
        return self._glossary.get(term, {}).get(self.language, term.replace("_", " "))
