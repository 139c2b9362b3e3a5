"""The sentences of the report in Chinese."""

from __future__ import annotations

from inspector.domain import FaultCode, Outcome
from inspector.language.brief import Brief, Count, Kind, Rank, slotted_finding
from inspector.language.findings import Clause, Finding
from inspector.language.glossary import Glossary, one_line

__all__ = ["FAULTS", "Chinese", "part_name"]

FAULTS = {
    FaultCode.CAMERA_LOST: ("相机无响应", "请检查相机电源和线缆"),
    FaultCode.BAD_FRAME: ("图像不完整或尺寸不符", "请重新检测，并检查相机"),
    FaultCode.DETECTOR: ("检测模型处理该图像时出错", "请重新检测；若反复出现，请联系维护人员"),
    FaultCode.GAUGE: ("缺陷无法测量", "请重新检测，并检查标定"),
    FaultCode.JUDGE: ("判定规则无法执行", "请检查本线的配方"),
    FaultCode.DEADLINE: ("检测超出规定时间", "请重新检测；若反复出现，请联系维护人员"),
    FaultCode.OVERRUN: ("到达时工位仍在检测上一件", "请加大零件间距"),
    FaultCode.CRASH: ("检测程序中断并已重启", "请重新检测"),
    FaultCode.STORAGE: ("记录无法保存", "请清理本机磁盘空间"),
    FaultCode.PLC_LOST: ("与 PLC 的连接中断", "请检查网线和 PLC"),
    FaultCode.PLC_ACK: ("PLC 未确认判定结果", "请检查 PLC 的握手程序"),
    FaultCode.RECIPE: ("PLC 请求的配方在本线不存在", "请选择本线已有的配方"),
}

_PLAIN = {"not_allowed": "该缺陷不允许存在", "unlisted": "没有适用的判定规则", "lot_held": "所属批次已扣留"}


def part_name(part_id: str) -> str:
    """Return the part as a sentence names it: its id in quotation marks, on one line."""
    shown = one_line(part_id).replace("“", "'").replace("”", "'")
    return f"零件“{shown}”" if shown.strip() else "无编号零件"


class Chinese:
    """Phrases the facts of a report; every figure arrives as text and is never touched."""

    language = "zh"

    def __init__(self, glossary: Glossary) -> None:
        self._glossary = glossary

    def fault(self, part_id: str, fault: FaultCode) -> str:
        """Say that the part was not inspected, why, and what to do."""
        why, remedy = FAULTS.get(fault, ("检测失败", "请重新检测"))
        return f"{part_name(part_id)}未完成检测：{why}。{remedy}；该件暂扣。"

    def passed(self, part_id: str, found: int, largest: Finding | None) -> str:
        """Say that the part goes on."""
        if not found:
            return f"{part_name(part_id)}合格：未发现缺陷。放行。"
        text = f"{part_name(part_id)}合格：发现 {found} 处，均在限值以内"
        if largest is not None:
            lead = "；最大一处为" if found > 1 else "，为"
            text += f"{lead}{self._what(largest)}，{self._name('length')} {largest.size}"
        return f"{text}。放行。"

    def rejected(self, part_id: str, outcome: Outcome, findings: tuple[Finding, ...], shown: int) -> str:
        """Say what is wrong with the part and what happens to it."""
        word = "不合格" if outcome is Outcome.FAIL else "待复检"
        what = "；".join(self._finding(finding) for finding in findings[:shown])
        more = len(findings) > shown
        head = f"{word}，共 {len(findings)} 处，最严重的为：{what}……" if more else f"{word}：{what}。"
        follow = "产线将其剔除。" if outcome is Outcome.FAIL else "该件暂扣，等待人工判定。"
        return f"{part_name(part_id)}{head}{follow}"

    def slotted(self, brief: Brief) -> str:
        """Say one brief with empty slots."""
        match brief.kind:
            case Kind.FAULT:
                return "{part}未完成检测：{cause}。{remedy}；该件暂扣。"
            case Kind.FINDING:
                return f"{self._finding(slotted_finding(brief))}。"
            case Kind.LARGEST:
                lead = "最大的为" if brief.rank is Rank.FIRST else "为"
                return f"{lead}{self._finding(slotted_finding(brief))}。"
            case Kind.CLOSING:
                return {
                    Outcome.PASS: "放行。",
                    Outcome.REVIEW: "该件暂扣，等待人工判定。",
                    Outcome.FAIL: "产线将其剔除。",
                }[brief.outcome or Outcome.PASS]
        if brief.outcome is Outcome.PASS:
            few = "{part}合格：发现 {count} 处，均在限值以内。"
            return {Count.NONE: "{part}合格：未发现缺陷。", Count.FEW: few}.get(
                brief.count, "{part}合格：缺陷在限值以内。"
            )
        word = "不合格" if brief.outcome is Outcome.FAIL else "待复检"
        many = {Count.FEW: "，共 {count} 处", Count.MANY: "，共 {count} 处，最严重的列在前面"}
        return f"{{part}}{word}{many.get(brief.count, '')}。"

    def _name(self, term: str) -> str:
        return self._glossary.name(term, self.language)

    def _what(self, finding: Finding) -> str:
        text = self._name(finding.label) if finding.label else "零件"
        where = []
        if finding.zone:
            where.append(f"区域 {self._name(finding.zone)}")
        if finding.position:
            x, y, unit = finding.position
            where.append(f"位置 X {x}、Y {y} {unit}".rstrip())
        return f"{text}（{'，'.join(where)}）" if where else text

    def _finding(self, finding: Finding) -> str:
        size = [f"{self._name('length')} {finding.size}"] if finding.size else []
        return "，".join([self._what(finding), *size, *(self._clause(clause) for clause in finding.clauses)])

    def _clause(self, clause: Clause) -> str:
        if clause.code in _PLAIN:
            return _PLAIN[clause.code]
        name = self._name(clause.characteristic)
        value = f"{name} {clause.value}".rstrip()
        limit = f" {clause.limit}" if clause.limit else ""
        match clause.code:
            case "above_usl" | "below_lsl":
                side = "超出上限" if clause.code == "above_usl" else "低于下限"
                return f"{value}，{side}{limit}" + (f" 达 {clause.distance}" if clause.distance else "")
            case "guard_band":
                side = "超出限值" if clause.beyond else "距限值"
                away = f" 仅 {clause.distance}" if clause.distance else ""
                return f"{value}，{side}{limit}{away}，在测量不确定度以内"
            case "confidence":
                gate = f"，要求 {clause.limit}" if clause.limit else ""
                return f"模型置信度仅 {clause.value}{gate}" if clause.value else "模型置信度不足"
            case "not_measured":
                return f"{name}无法测量"
        held = f"，限值 {clause.limit}" if clause.limit else ""
        return f"{value}{held}（{one_line(clause.code)}）"
