"""Every mistake in a line's file is named with its place and its remedy."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from inspector.domain import SettingsError
from inspector.settings import check_line, load_line
from tests.unit.settings.broken_lines import broken, table

TABLE = table()
CASES: list[dict[str, Any]] = TABLE["cases"]
GOOD: str = TABLE["line"]


def check_text(folder: Path, text: str) -> list[Any]:
    file = folder / "line.yaml"
    file.write_text(text, encoding="utf-8")
    return check_line(file)


@pytest.mark.parametrize("case", CASES, ids=lambda case: " & ".join(case["change"]).replace("\n", "|"))
def test_a_mistake_is_found_where_it_is(case: dict[str, Any], tmp_path: Path, good_text: str) -> None:
    findings = check_text(tmp_path, broken(good_text, case["change"]))
    told = "\n".join(f"{finding} {finding.remedy}" for finding in findings)
    assert {finding.key for finding in findings} == {case["key"], *case.get("also", [])}, told
    finding = next(finding for finding in findings if finding.key == case["key"])
    assert finding.line == case["line"], told
    for words in case["says"]:
        assert words in f"{finding.problem} {finding.remedy}"
    assert finding.remedy.endswith((".", "…", "'"))
    assert "hunter2" not in told, "a secret must not be printed"


def test_all_mistakes_are_named_at_once(tmp_path: Path, good_text: str) -> None:
    wanted = ["staton", "recipe", "mes.password", "screen.port", "camera.height", "mes.url", "plc.poll_ms"]
    ours = [next(case for case in CASES if case["key"] == key) for key in wanted]
    text = good_text
    for case in ours:
        text = broken(text, case["change"])
    assert {finding.key for finding in check_text(tmp_path, text)} == set(wanted)


def test_findings_are_in_the_order_of_the_file(tmp_path: Path, good_text: str) -> None:
    text = broken(good_text, ["port: 8080=>port: x", "version: 1=>version: 9", "poll_ms: 5=>poll_ms: x"])
    assert [finding.line for finding in check_text(tmp_path, text)] == [1, 29, 40]


def test_the_column_is_where_the_value_begins(tmp_path: Path, good_text: str) -> None:
    (finding,) = check_text(tmp_path, broken(good_text, ["port: 8080=>port: x"]))
    assert (finding.line, finding.column) == (40, len("  port: x"))


def test_a_misspelt_required_key_is_one_mistake_not_two(tmp_path: Path, good_text: str) -> None:
    (finding,) = check_text(tmp_path, broken(good_text, ["calibration:=>callibration:", "camera:=>camera:"]))
    assert finding.key == "callibration"


def test_merged_keys_are_found_at_their_origin(tmp_path: Path, good_text: str) -> None:
    text = broken(good_text, ["  default:\n    id: 1=>  default: &base\n    id: 1\n    unlisted: pas"])
    text = broken(text, ["  second:\n=>  second:\n    <<: *base\n"])
    lines = {finding.key: finding.line for finding in check_text(tmp_path, text)}
    assert lines == {"recipes.default.unlisted": 19, "recipes.second.unlisted": 19}


# --- files ------------------------------------------------------------------------------------------------


def only(path: Path) -> Any:
    (finding,) = check_line(path)
    return finding


def test_a_missing_file_offers_its_neighbours(good_file: Path) -> None:
    finding = only(good_file.with_name("lime.yaml"))
    assert finding.problem == "there is no such file"
    assert "Did you mean" in finding.remedy
    assert "line.yaml" in finding.remedy


def test_a_folder_is_not_a_file(good_file: Path) -> None:
    finding = only(good_file.parent)
    assert "folder" in finding.problem
    assert "line.yaml" in finding.remedy


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing but a comment\n", "---\n"])
def test_an_empty_file_says_so(tmp_path: Path, text: str) -> None:
    (finding,) = check_text(tmp_path, text)
    assert finding.problem == "the file is empty"


@pytest.mark.parametrize(
    ("text", "what"), [("- version: 1\n", "a list"), ("board-line\n", "a single value"), ("7", "a")]
)
def test_another_top_level_is_named(tmp_path: Path, text: str, what: str) -> None:
    (finding,) = check_text(tmp_path, text)
    assert f"the file holds {what}" in finding.problem


def test_another_encoding_is_named_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "line.yaml"
    file.write_bytes(b"version: 1\nline: caf\xe9\n")
    finding = only(file)
    assert (finding.line, finding.column) == (2, 10)
    assert "0xe9" in finding.problem
    assert "UTF-8" in finding.remedy


def test_a_byte_order_mark_is_accepted(tmp_path: Path, good_text: str) -> None:
    file = tmp_path / "line.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + good_text.encode())
    assert check_line(file) == []


def test_a_control_character_is_no_crash(tmp_path: Path, good_text: str) -> None:
    (finding,) = check_text(tmp_path, broken(good_text, ["cell-1=>cell\x07"]))
    assert finding.remedy


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    (finding,) = check_text(tmp_path, "# " + "x" * 1_000_001)
    assert "bytes" in finding.problem


@pytest.mark.parametrize("depth", [30, 1200])
def test_brackets_without_end_are_refused(tmp_path: Path, depth: int) -> None:
    (finding,) = check_text(tmp_path, f"station: {'[' * depth}{']' * depth}\n")
    assert "nested too deeply" in finding.problem


def test_aliases_that_multiply_are_refused(tmp_path: Path) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (finding,) = check_text(tmp_path, "\n".join(levels))
    assert "entries" in finding.problem


# --- loading ----------------------------------------------------------------------------------------------


def test_loading_a_bad_line_names_the_first_mistake_and_the_number_of_the_rest(good_file: Path, good_text: str) -> None:
    good_file.write_text(broken(good_text, ["version: 1=>version: 9", "port: 8080=>port: x"]), encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_line(good_file)
    assert f"{good_file}:1:10: version:" in caught.value.message
    assert "1 more mistake" in caught.value.message
    assert "inspector check" in caught.value.remedy


def test_loading_a_line_with_a_key_that_is_there_twice_fails(good_file: Path, good_text: str) -> None:
    good_file.write_text(broken(good_text, ["deadline_ms: 500=>deadline_ms: 500\ndeadline_ms: 900"]), encoding="utf-8")
    with pytest.raises(SettingsError, match="twice"):
        load_line(good_file)


# --- invariants -------------------------------------------------------------------------------------------

PLAIN = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.just(10**400))
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [place for key, value in items for place in [(*path, key), *places(value, (*path, key))]]


@settings(max_examples=100, deadline=None)
@given(draw=st.data())
def test_any_value_anywhere_is_accepted_or_explained(
    draw: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    yaml = YAML(typ="safe", pure=True)
    line = yaml.load(GOOD)
    *parents, last = draw.draw(st.sampled_from(places(line)))
    target = line
    for parent in parents:
        target = target[parent]
    target[last] = draw.draw(VALUES)
    out = io.StringIO()
    yaml.dump(line, out)
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text(out.getvalue(), encoding="utf-8", errors="surrogatepass")
    findings = check_line(file)
    lines = len(out.getvalue().splitlines())
    assert all(1 <= finding.line <= lines and finding.problem and finding.remedy for finding in findings)
    if findings:
        with pytest.raises(SettingsError):
            load_line(file)
    else:
        load_line(file)


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet=st.sampled_from("a:- \n\t[]{}&*!|>'\"%@#,?1.~\\"), max_size=40))
def test_no_text_makes_the_check_fail(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.getbasetemp() / "text.yaml"
    file.write_text(text, encoding="utf-8")
    assert check_line(file), "nothing this short is a line"
