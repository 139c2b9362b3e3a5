"""Schema and reference are those of the models, and an independent validator agrees with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from inspector.settings import line_schema, reference_markdown
from tests.unit.settings.broken_lines import ROOT, SHIPPED, broken, table

MARK = "<!-- From here on: inspector schema --markdown -->\n"


def keys(schema: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Return (path, schema) of every key there is."""
    if isinstance(schema, list):
        return [found for item in schema for found in keys(item, path)]
    if not isinstance(schema, dict):
        return []
    here = [(f"{path}.{key}", child) for key, child in schema.get("properties", {}).items()]
    return here + [found for key, child in schema.items() for found in keys(child, f"{path}.{key}")]


def test_the_committed_schema_is_the_generated_one() -> None:
    committed = (ROOT / "line_configs" / "schema.json").read_text(encoding="utf-8")
    assert json.loads(committed) == line_schema(), "run: inspector schema > line_configs/schema.json"


def test_the_reference_in_the_documentation_is_the_generated_one() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    _, _, reference = text.partition(MARK)
    assert reference == f"\n{reference_markdown()}", "put the output of: inspector schema --markdown"


def test_every_key_is_described() -> None:
    schema = line_schema()
    silent = [
        path
        for path, child in keys(schema)
        if not child.get("description") and not schema["$defs"].get(child.get("$ref", "").rpartition("/")[2])
    ]
    assert silent == []


def test_every_number_has_bounds() -> None:
    def numbers(schema: dict[str, Any]) -> list[dict[str, Any]]:
        return [option for option in [schema, *schema.get("anyOf", [])] if option.get("type") in {"number", "integer"}]

    unbounded = [
        path
        for path, child in keys(line_schema())
        for option in numbers(child)
        if not {"maximum", "const"} & set(option) or not {"minimum", "exclusiveMinimum", "const"} & set(option)
    ]
    assert unbounded == []


def test_every_key_is_in_the_reference() -> None:
    reference = reference_markdown()
    missing = [path for path, _ in keys(line_schema()) if f"| `{path.rpartition('.')[2]}` |" not in reference]
    assert missing == []


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(line_schema())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_an_independent_validator_accepts_the_shipped_lines(path: Path) -> None:
    Draft202012Validator(line_schema()).validate(YAML(typ="safe").load(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "change",
    ["station: =>staton: ", "kind: virtual=>kind: virtul", "usl: 0.35=>usl: '0.35'", "port: 8080=>port: 80800"],
)
def test_an_independent_validator_refuses_what_the_check_refuses(change: str) -> None:
    line = YAML(typ="safe").load(broken(table()["line"], [change]))
    assert not Draft202012Validator(line_schema()).is_valid(line)
