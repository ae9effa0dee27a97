"""Values from a file as text and JSON that are safe to show; settings files."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.checkpoints.config_file import ConfigRefused, read_config, read_json
from core.checkpoints.contents import Reference, Stub
from core.checkpoints.text import plain, safe_text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain ñ 名前 😀", "plain ñ 名前 😀"),
        ("<b>bold</b>", "<b>bold</b>"),
        ("a\nb\0c\x1b[31m", "a\\nb\\x00c\\x1b[31m"),
        ("abc\u202egnp", "abc\\u202egnp"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("lone \ud800 surrogate", "lone \\ud800 surrogate"),
        pytest.param(10**5000, "(a whole number of 16,610 bits)", id="huge"),
        (b"abc", "(3 bytes)"),
        (None, "None"),
    ],
)
def test_text_shows_what_is_there(value: object, shown: str) -> None:
    assert safe_text(value) == shown


@given(st.text(st.characters(), max_size=200))
def test_any_text_becomes_one_printable_line(value: str) -> None:
    shown = safe_text(value, 50)
    assert shown.isprintable()
    assert len(shown) <= 51
    shown.encode("utf-8")


def test_long_text_is_cut() -> None:
    assert safe_text("x" * 3000) == "x" * 2000 + "…"


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.complex_numbers()
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text() | st.integers() | st.floats(), inner),
)


@given(trees)
def test_any_tree_becomes_strict_json(value: Any) -> None:
    json.dumps(plain(value), allow_nan=False).encode("utf-8")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.just("text"),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("abcd"), inner),
        max_leaves=20,
    )
)
def test_plain_values_stay_as_they_are(value: Any) -> None:
    assert plain(value) == value


def test_what_is_not_finite_is_text() -> None:
    assert plain([math.nan, math.inf, -0.0]) == ["nan", "inf", -0.0]


def test_keys_that_look_alike_stay_apart() -> None:
    assert plain({1: "a", "1": "b", None: "c"}) == {"1": "a", "1 (2)": "b", "None": "c"}


def test_shared_references_do_not_explode() -> None:
    value: list[Any] = [1] * 10
    for _ in range(40):
        value = [value] * 10
    shown = plain({"bomb": value, "image_size": 32})
    assert shown["image_size"] == 32
    assert len(json.dumps(shown)) < 1_000_000


def test_a_long_list_is_cut_with_a_remark() -> None:
    shown = plain(list(range(5000)))
    assert len(shown) == 1001
    assert shown[-1] == "(shortened)"


def test_loops_and_shared_values_are_told_apart() -> None:
    shared = [1]
    loop: dict[str, Any] = {"a": shared, "b": shared}
    loop["me"] = loop
    assert plain(loop) == {"a": [1], "b": [1], "me": "(refers to itself)"}


def test_records_are_named() -> None:
    sched = Stub(module="src", name="Sched", args=("cosine",))
    thing = Stub(module="src", name="Thing", state={"depth": 4, "kind": sched})
    assert plain(sched) == "src.Sched('cosine')"
    assert plain(thing) == {"(class)": "src.Thing", "depth": 4, "kind": "src.Sched('cosine')"}
    assert plain(Reference(module="torch", name="bfloat16")) == "torch.bfloat16"
    loop = Stub(module="src", name="Loop")
    loop.args = (loop,)
    assert "src.Loop" in plain(loop)


# ---- settings files -------------------------------------------------------------------------------------------------


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "settings.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_honest_settings_are_read(tmp_path: Path) -> None:
    text = "model:\n  image_size: 32\n  mult: [1, 2]\nref: ${model.image_size}\nname: é\n"
    expected = {"model": {"image_size": 32, "mult": [1, 2]}, "ref": "${model.image_size}", "name": "é"}
    assert read_config(written(tmp_path, text)) == expected
    assert read_config(written(tmp_path, b"\xef\xbb\xbfa: 1\n")) == {"a": 1}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: !!python/object/apply:os.system [true]", "python/object"),
        ("a: &x [1]\nb: *x", "alias"),
        ("a: " + "[" * 60 + "]" * 60, "nested"),
        ("a: [1\nb: 2", "line"),
        ("a: 1\na: 2", "twice"),
        ("- 1\n- 2", "names and values"),
        ("a: 1\n---\nb: 2", "line"),
        ("? [1, 2]\n: 3\n? {a: 1}\n: 4", "mistake"),
        ("a: 2001-99-99", "mistake"),
        (b"a: \xff\xfe", "UTF-8"),
        ("", "empty"),
        ("x: " + "y" * (1 << 20), "too large"),
    ],
)
def test_bad_settings_are_refused_with_the_reason(text: str | bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused, match=reason) as caught:
        read_config(written(tmp_path, text))
    assert str(caught.value).startswith("settings.yaml: ")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 100_000 + "]" * 100_000, "nested"),
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "Infinity"),
        ('{"a": 1, "a": 2}', "twice"),
        ("[" + "9" * 5000 + "]", "digits"),
        ('{"a": }', "line 1"),
    ],
)
def test_bad_json_is_refused_with_the_reason(text: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused, match=reason):
        read_json(written(tmp_path, text))


def test_honest_json_is_read(tmp_path: Path) -> None:
    assert read_json(written(tmp_path, '{"a": [1, 2.5, null, "x"]}')) == {"a": [1, 2.5, None, "x"]}
