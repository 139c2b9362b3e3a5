"""Measurements -> Verdict: specification limits, guard bands and the confidence gate."""

from inspector.judgement.decision import judge_finding, judge_value
from inspector.judgement.judge import RuleJudge
from inspector.judgement.rules import Recipe, Region, Rule, effective_rules

__all__ = ["Recipe", "Region", "Rule", "RuleJudge", "effective_rules", "judge_finding", "judge_value"]
