"""The JSON Schema of a line's YAML, finding one's way in it, and the reference that is written from it."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from inspector.settings.base import FORMS
from inspector.settings.line import LineSettings

Schema = Mapping[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Untitled(GenerateJsonSchema):
    """Keys are their own titles."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def line_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a line's YAML."""
    schema = LineSettings.model_json_schema(schema_generator=_Untitled)
    return {"$schema": DIALECT, **schema, "title": "Line of an inspector"}


# --- finding one's way ------------------------------------------------------------------------------------


@functools.cache
def _root() -> Schema:
    return line_schema()


def resolved(schema: Schema, data: Any = None) -> Schema:
    """Return the schema behind references and options, chosen by the data's ``kind`` where there are several."""
    if "$ref" in schema:
        return resolved(_root()["$defs"][schema["$ref"].rsplit("/", 1)[1]], data)
    if "oneOf" in schema and "discriminator" not in schema:
        return resolved(_one_or_several(schema, data), data)
    if "oneOf" in schema:
        kind = data.get("kind", _kind_left_out(schema)) if isinstance(data, Mapping) else None
        target = schema["discriminator"]["mapping"].get(kind) if isinstance(kind, str) else None
        return resolved({"$ref": target}, data) if target else schema
    if "anyOf" in schema:
        return resolved(next(option for option in schema["anyOf"] if option.get("type") != "null"), data)
    return schema


def _one_or_several(schema: Schema, data: Any) -> Schema:
    """Return the option of a key that takes one entry or a list of them."""
    wanted = isinstance(data, (list, tuple))
    return next(option for option in schema["oneOf"] if (option.get("type") == "array") is wanted)


def _kind_left_out(schema: Schema) -> str | None:
    """Return the kind that is meant where none is written; None where there is no such kind."""
    mapping = schema["discriminator"]["mapping"]
    targets = {kind: _root()["$defs"][ref.rsplit("/", 1)[1]] for kind, ref in mapping.items()}
    return next((kind for kind, target in targets.items() if "kind" not in target.get("required", ())), None)


def schema_at(path: tuple[str | int, ...], data: Any) -> Schema:
    """Return the schema of the value at this path, unresolved, with its description; empty where unknown."""
    schema: Schema = _root()
    for part in path:
        here = resolved(schema, data)
        if part in here.get("properties", {}):
            schema = here["properties"][part]
        elif isinstance(part, int) and "prefixItems" in here:
            schema = here["prefixItems"][part] if part < len(here["prefixItems"]) else {}
        elif isinstance(part, int):
            schema = here.get("items", {})
        else:
            schema = next(iter(here.get("patternProperties", {}).values()), here.get("additionalProperties", {}))
            schema = schema if isinstance(schema, Mapping) else {}
        if isinstance(data, Mapping):
            data = data.get(part)
        else:
            data = data[part] if isinstance(data, list) and isinstance(part, int) and part < len(data) else None
    return schema


def homes(key: str) -> list[str]:
    """Return the sections of the file that have this key."""
    found = []
    for section, schema in _root()["properties"].items():
        for name, options in _options(schema):
            if key in options.get("properties", {}):
                found.append(f"{section} (kind: {name})" if name else section)
    return ["the top level"] * (key in _root()["properties"]) + found


def _options(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield (kind, schema) for each option of a section; the kind is empty where there is one only."""
    if "oneOf" in schema and "discriminator" not in schema:
        yield from _options(_one_or_several(schema, None))
    elif "oneOf" in schema:
        for kind, target in schema["discriminator"]["mapping"].items():
            yield kind, resolved({"$ref": target})
    else:
        yield "", resolved(schema)


def expectation(schema: Schema) -> str:
    """Return what a value must be, in words: ``a number from 0 to 1``."""
    if "oneOf" in schema and "discriminator" not in schema:
        return f"{expectation(_one_or_several(schema, None))}; or a list of such entries"
    schema = resolved(schema)
    if "const" in schema:
        return _spelled(schema["const"])
    if "enum" in schema:
        return "one of: " + ", ".join(_spelled(value) for value in schema["enum"])
    if "oneOf" in schema:
        return "keys, with 'kind' one of: " + ", ".join(schema["discriminator"]["mapping"])
    kind = schema.get("type", "")
    words = {
        "boolean": "true or false",
        "integer": "a whole number" + _bounds(schema),
        "number": "a number" + _bounds(schema),
        "string": "a path" if schema.get("format") == "path" else FORMS.get(schema.get("pattern", ""), "a text"),
        "array": "a list",
        "object": _keys(schema),
    }.get(kind, "a value")
    if "prefixItems" in schema:
        words = f"a list of {len(schema['prefixItems'])} values, each {expectation(schema['prefixItems'][0])}"
    return words


def _keys(schema: Schema) -> str:
    required = schema.get("required", ())
    if required:
        return "the keys " + ", ".join(f"'{key}'" for key in required)
    return "keys" if "properties" in schema else "names, each with keys of its own"


def _spelled(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bounds(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    above = schema.get("exclusiveMinimum")
    if above is not None:
        return f" above {above:.12g}" + (f", up to {high:.12g}" if high is not None else "")
    if low is not None and high is not None:
        return f" from {low:.12g} to {high:.12g}"
    return f" of at least {low:.12g}" if low is not None else ""


# --- the reference ----------------------------------------------------------------------------------------


VIEWS = "camera.views"


def reference_markdown() -> str:
    """Return the description of every key as Markdown tables."""
    root = _root()
    lines = ["## Top level", "", *_table(root)]
    for section, schema in root["properties"].items():
        lines += _section(section, schema, 2)
    return "\n".join(lines).rstrip() + "\n"


def _section(path: str, schema: Schema, level: int) -> list[str]:
    lines: list[str] = []
    for kind, found in _options(schema):
        entry, suffix = _entry(found)
        if "properties" not in entry:
            continue
        title = f"`{path}{suffix}`" + (f", kind `{kind}`" if kind else "")
        lines += ["", f"{'#' * level} {title}", "", entry.get("description", ""), "", *_table(entry)]
        # What a view has of its own is described at the line's own key.
        own = {} if path == VIEWS else entry["properties"]
        for key, child in own.items():
            lines += _section(f"{path}{suffix}.{key}", child, level + 1)
    return lines


def _entry(schema: Schema) -> tuple[Schema, str]:
    """Return what a list or a table of named entries holds, and how its place is written."""
    if schema.get("type") == "array" and "items" in schema:
        return resolved(schema["items"]), "[]"
    if schema.get("type") == "object" and "properties" not in schema:
        inner = next(iter(schema.get("patternProperties", {}).values()), schema.get("additionalProperties", {}))
        return resolved(inner), ".NAME"
    return schema, ""


def _table(schema: Schema) -> list[str]:
    required = schema.get("required", ())
    rows = ["| key | value | default | meaning |", "| --- | --- | --- | --- |"]
    for key, child in sorted(schema["properties"].items(), key=lambda item: item[0] != "kind"):
        if key in required:
            default = "required"
        elif child.get("default") in (None, [], {}) or isinstance(child.get("default"), dict):
            default = ""
        elif isinstance(child["default"], list):
            default = f"`[{', '.join(_spelled(item) for item in child['default'])}]`"
        else:
            default = f"`{_spelled(child['default'])}`"
        rows.append(
            f"| `{key}` | {expectation(child)} | {default} | {child.get('description', '')} |".replace("  ", " ")
        )
    return rows
