"""Reading answers to the three prompts, and what the prompts themselves say about levels."""

from __future__ import annotations

import numpy as np
import pytest

from core.conditioning.answers import (
    LETTERS,
    MODES,
    Choice,
    block_width,
    choices,
    decode,
    join_blocks,
    read_answer,
    scores,
)

SPOKEN = (
    "Reply as continuity=<A-H>;breaks=<A-H>;cause=<label>.\n"
    "continuity:\nA: none\nB: very low\nC: low\nD: middling\nE: fair\nF: good\nG: very good\nH: whole\n"
    "breaks: A = 0, B = 1, C = 2, D = 3, E = 4, F = 5, G = 6, H = many\n"
    "cause: overlap|low contrast|noise|motion|thin|edge|blur|other|unknown",
    "Answer nonvessel=A;fp_risk=A;source=bone for example. One scale for both levels: A) lowest B) b C) c D) d E) e "
    "F) f G) g H) highest. source (one of: bone, catheter, rib, diaphragm, noise, edge, text, or other)",
    "Grade thin, periphery and visibility from A to H.",
)


def rows(width: int = 74) -> tuple[tuple[Choice, ...], ...]:
    found = choices(SPOKEN, width)
    assert found is not None
    return found


def by_name(width: int = 74) -> dict[str, Choice]:
    return {choice.name: choice for row in rows(width) for choice in row}


def test_the_blocks_are_25_25_and_24_wide_or_24_each_without_unknown() -> None:
    assert [block_width(row) for row in rows(74)] == [25, 25, 24]
    assert [block_width(row) for row in rows(72)] == [24, 24, 24]
    assert choices(SPOKEN, 73) is None
    assert choices(SPOKEN[:2], 74) is None


def test_levels_have_words_only_where_the_prompt_gives_them() -> None:
    found = by_name()
    assert found["continuity"].levels[0] == "none"
    assert found["continuity"].levels[7] == "whole"
    assert found["breaks"].levels == ("0", "1", "2", "3", "4", "5", "6", "many")
    assert found["nonvessel"].levels[::7] == found["fp_risk"].levels[::7] == ("lowest", "highest")
    assert found["thin"].levels == LETTERS
    assert all(found[name].candidates == LETTERS for name in ("continuity", "breaks", "nonvessel", "visibility"))


def test_labels_come_from_the_list_in_the_prompt_and_unknown_is_last() -> None:
    found = by_name()
    assert found["cause"].candidates[:2] == ("overlap", "low contrast")
    assert found["cause"].candidates[-1] == found["cause"].levels[-1] == "unknown"
    assert found["source"].candidates == (
        "bone", "catheter", "rib", "diaphragm", "noise", "edge", "text", "other", "unknown",
    )  # fmt: skip
    assert "unknown" not in by_name(72)["cause"].candidates
    bare = choices(("What is the cause?", "b", "c"), 74)
    assert bare is not None
    assert bare[0][2].candidates == (*LETTERS, "unknown")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("continuity=H;breaks=C;cause=overlap", {"continuity": "H", "breaks": "C", "cause": "overlap"}),
        ("Continuity: b\n**breaks**: (D)", {"continuity": "B", "breaks": "D"}),
        ("cause = Low Contrast.", {"cause": "low contrast"}),
        ('{"continuity": "A", "breaks": "Z", "cause": "unknown"}', {"continuity": "A", "cause": "unknown"}),
        ("The vessels are whole.", {}),
        ("discontinuity=A; continuity=Ample", {}),
    ],
)
def test_an_answer_is_read_field_by_field(text: str, wanted: dict[str, str]) -> None:
    found = read_answer(text, rows()[0])
    assert {name: reading.value for name, reading in found.items()} == wanted
    for reading in found.values():
        assert text[reading.start :].lower().startswith(reading.value.lower())


def test_scores_are_log_probabilities_and_uniform_where_nothing_could_be_read() -> None:
    logits = np.array([0.0, np.log(3.0)])
    assert np.allclose(scores(logits, 2, "log_softmax", 1.0), np.log([0.25, 0.75]))
    assert np.allclose(scores(logits, 2, "softmax", 1.0), [0.25, 0.75])
    assert np.allclose(scores(logits, 2, "logits", 2.0), logits / 2)
    assert np.allclose(scores(2 * logits, 2, "log_softmax", 2.0), np.log([0.25, 0.75]))
    assert np.allclose(scores(None, 8, "log_softmax", 1.0), -np.log(8))
    assert np.allclose(scores(None, 4, "softmax", 1.0), 0.25)
    assert np.allclose(scores(None, 4, "logits", 1.0), 0)
    assert np.isfinite(scores(np.array([1e4, -1e4]), 2, "log_softmax", 1.0)).all()
    assert MODES["logits"] == "logits"


def test_blocks_are_centred_on_the_batch_and_normalised_one_by_one() -> None:
    first, second = np.array([[3.0, 4.0], [1.0, 0.0]]), np.array([[2.0], [6.0]])
    assert np.allclose(join_blocks([first, second], center=False, l2norm=False), [[3, 4, 2], [1, 0, 6]])
    assert np.allclose(join_blocks([first, second], center=False, l2norm=True), [[0.6, 0.8, 1], [1, 0, 1]])
    assert np.allclose(join_blocks([first, second], center=True, l2norm=False), [[1, 2, -2], [-1, -2, 2]])
    assert np.allclose(join_blocks([second], center=True, l2norm=True), [[-1], [1]])


def test_a_block_is_decoded_into_fields_with_the_words_of_the_prompt() -> None:
    row = rows()[0]
    parts = [scores(np.arange(len(choice.candidates)), len(choice.candidates), "log_softmax", 1.0) for choice in row]
    block = np.concatenate(parts).astype(np.float16)
    continuity, breaks, cause = decode(block, "continuity=H;cause=noise", row, "log_softmax")
    assert (continuity.chosen, breaks.chosen, cause.chosen) == ("whole", None, "noise")
    assert np.isclose(sum(continuity.probabilities), 1)
    assert np.argmax(continuity.probabilities) == 7
    assert np.allclose(cause.probabilities, np.exp(parts[2]), atol=2e-3)


def test_a_block_that_holds_no_probabilities_is_not_decoded() -> None:
    row = rows()[2]
    block = np.concatenate([scores(None, 8, "log_softmax", 1.0)] * 3)
    assert len(decode(block, "", row, "log_softmax")) == 3
    assert decode(block / np.linalg.norm(block), "", row, "log_softmax") == ()
    assert decode(block, "", row, "softmax") == ()


@pytest.mark.timeout(10)
def test_a_hostile_prompt_or_answer_takes_no_time() -> None:
    for bad in ("a" * 100_000, "a b " * 30_000, "A: " * 30_000, "cause: " * 20_000, ": a|" * 30_000, "a-" * 50_000):
        assert choices([bad] * 3, 74) is not None
        read_answer(bad, rows()[0])


def test_a_scale_of_one_field_is_not_lent_to_another() -> None:
    prompt = "thin: A: none, H: all. periphery: A: dark, H: bright. visibility from A to H."
    found = choices(("a", "b", prompt), 74)
    assert found is not None
    thin, periphery, visibility = found[2]
    assert (thin.levels[0], periphery.levels[0], visibility.levels) == ("none", "dark", LETTERS)


def test_the_longer_of_two_labels_is_read() -> None:
    row = (Choice(name="cause", candidates=("low", "low contrast"), levels=("low", "low contrast")),)
    assert read_answer("cause=low contrast", row)["cause"].value == "low contrast"
    assert read_answer("cause=low", row)["cause"].value == "low"
