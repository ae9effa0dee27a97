"""What the three prompts of a logits condition ask for, and how an answer is read (spec section 7).

The spec gives the fields and how many candidates each has. Inferred, since the prompts' words are the checkpoint's own:
an answer reads `continuity=C;breaks=B;cause=overlap` (so do the texts in the producers' caches; a colon, quotes and
line breaks are understood too), levels are the letters A to H, and `cause` and `source` are chosen from eight labels
that the prompt lists, or from A to H where it lists none. What a level means is known only if the prompt says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.records import AnswerField, Array

LETTERS = tuple("ABCDEFGH")
UNKNOWN = "unknown"
TINY = 1e-8
MAX_TEXT = 8_000
"""Characters of a prompt or an answer that are looked at: both can come from a stranger's file."""
Mode = Literal["log_softmax", "softmax", "logits"]
MODES: Mapping[str, Mode] = {
    "log_softmax": "log_softmax", "logsoftmax": "log_softmax", "logprob": "log_softmax", "logprobs": "log_softmax",
    "log_prob": "log_softmax", "log_probs": "log_softmax", "softmax": "softmax", "prob": "softmax", "probs": "softmax",
    "logits": "logits", "logit": "logits", "raw": "logits", "raw_logits": "logits",
}  # fmt: skip
"""Spellings of `logits_feature_mode`; the spec names two ways (log-softmax, raw logits) and no spelling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One field of an answer. `labelled`: chosen from named labels, not from levels."""

    name: str
    labelled: bool = False


QUESTIONS: tuple[tuple[Question, ...], ...] = (
    (Question(name="continuity"), Question(name="breaks"), Question(name="cause", labelled=True)),
    (Question(name="nonvessel"), Question(name="fp_risk"), Question(name="source", labelled=True)),
    (Question(name="thin"), Question(name="periphery"), Question(name="visibility")),
)
"""One row for each prompt, in the order of the feature's blocks."""
WIDTHS = {74: True, 72: False}
"""Widths of a whole feature, and whether labels can be answered with `unknown`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A question with what can be answered: `candidates` as the model writes them, `levels` as a person reads them."""

    name: str
    candidates: tuple[str, ...]
    levels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Where an answer says what it chose: `value` is one of the candidates and starts at character `start`."""

    value: str
    start: int


def choices(prompts: Sequence[str], width: int) -> tuple[tuple[Choice, ...], ...] | None:
    """The choices of each prompt, for a feature of `width` (74, or 72 without `unknown`); None for other features."""
    if width not in WIDTHS or len(prompts) != len(QUESTIONS):
        return None
    return tuple(
        tuple(_choice(question, prompt[:MAX_TEXT], row, WIDTHS[width]) for question in row)
        for prompt, row in zip(prompts, QUESTIONS, strict=True)
    )


def block_width(row: Sequence[Choice]) -> int:
    return sum(len(choice.candidates) for choice in row)


def read_answer(text: str, row: Sequence[Choice]) -> dict[str, Reading]:
    """What the answer says, by field; a field that it does not name, or answers with something else, is left out."""
    found = {}
    for choice in row:
        # A longer candidate first: `low contrast` before `low`.
        values = "|".join(re.escape(value) for value in sorted(choice.candidates, key=len, reverse=True))
        pattern = rf"(?<!\w){re.escape(choice.name)}[\"'*]*\s*[=:]\s*[\"'(*]*({values})(?!\w)"
        match = re.search(pattern, text[:MAX_TEXT], re.IGNORECASE)
        if match is not None:
            value = next(item for item in choice.candidates if item.lower() == match[1].lower())
            found[choice.name] = Reading(value=value, start=match.start(1))
    return found


def scores(logits: Array | None, count: int, mode: Mode, temperature: float) -> Array:
    """(count,) float32 of one field from the logits of its candidates; None = the answer could not be read: uniform.

    Inferred: the temperature divides the logits in every mode, and uniform raw logits are zeros.
    """
    values = np.zeros(count) if logits is None else np.asarray(logits, dtype=np.float64) / temperature
    if mode == "logits":
        return values.astype(np.float32)
    logs = values - values.max()
    logs = logs - np.log(np.exp(logs).sum())
    shares: Array = logs if mode == "log_softmax" else np.exp(logs)
    return shares.astype(np.float32)


def join_blocks(blocks: Sequence[Array], *, center: bool, l2norm: bool) -> Array:
    """Blocks of the three prompts, each (n, width of the block), to features (n, width) float32.

    `center`: minus the mean over these n items, `l2norm`: each row of a block divided by its norm + 1e-8. Inferred:
    centring comes first, as it is named first.
    """
    out = []
    for block in blocks:
        rows = np.asarray(block, dtype=np.float32)
        if center:
            rows = rows - rows.mean(axis=0, keepdims=True)
        if l2norm:
            rows = rows / (np.linalg.norm(rows, axis=1, keepdims=True) + TINY)
        out.append(rows)
    return np.concatenate(out, axis=1).astype(np.float32)


def decode(block: Array, answer: str, row: Sequence[Choice], mode: Mode) -> tuple[AnswerField, ...]:
    """The fields of one prompt from its block (before centring or normalising) and its answer.

    Empty when the block is no set of probabilities in this mode, as one that was normalised before it was stored.
    """
    said = read_answer(answer, row)
    parts = np.split(np.asarray(block, dtype=np.float64), np.cumsum([len(choice.candidates) for choice in row])[:-1])
    fields = []
    for choice, part in zip(row, parts, strict=True):
        probabilities = _probabilities(part, mode)
        if probabilities is None:
            return ()
        reading = said.get(choice.name)
        chosen = None if reading is None else choice.levels[choice.candidates.index(reading.value)]
        fields.append(AnswerField(name=choice.name, levels=choice.levels, probabilities=probabilities, chosen=chosen))
    return tuple(fields)


def _probabilities(part: Array, mode: Mode) -> tuple[float, ...] | None:
    if mode == "logits":
        part = part - part.max()
    shares = part if mode == "softmax" else np.exp(part)
    total = float(shares.sum())
    if mode != "logits" and not 0.95 < total < 1.05:  # float16 leaves an error of less than one part in a hundred
        return None
    return tuple(float(share) for share in shares / total)


def _choice(question: Question, prompt: str, row: Sequence[Question], unknown: bool) -> Choice:
    parts = _parts(prompt, question.name, [item.name for item in row])
    meanings = max(map(_meanings, parts), key=len, default={})
    if not question.labelled:
        return Choice(name=question.name, candidates=LETTERS, levels=_levels(meanings or _shared(prompt)))
    labels = max(map(_labels, parts), key=len, default=())
    extra = (UNKNOWN,) if unknown else ()
    if len(labels) == len(LETTERS):
        return Choice(name=question.name, candidates=(*labels, *extra), levels=(*labels, *extra))
    return Choice(name=question.name, candidates=(*LETTERS, *extra), levels=(*_levels(meanings), *extra))


def _levels(meanings: Mapping[str, str]) -> tuple[str, ...]:
    """What each letter means; the bare letter where nothing says, and with its letter where two mean the same."""
    words = [meanings.get(letter, letter) for letter in LETTERS]
    if len(set(words)) == len(words):
        return tuple(words)
    return tuple(f"{letter} ({meanings[letter]})" if letter in meanings else letter for letter in LETTERS)


def _shared(prompt: str) -> Mapping[str, str]:
    """Meanings that hold for all fields: the prompt gives each letter one meaning only."""
    lists = re.findall(r"(?:^|[\s,;|(\[{*-])A\s*[=:).]", prompt)
    return _meanings(prompt) if len(lists) == 1 else {}


def _parts(prompt: str, name: str, names: Sequence[str]) -> list[str]:
    """What the prompt says behind each mention of a field, up to the next mention of any; one of them explains it."""
    marks = list(re.finditer(rf"(?<!\w)({'|'.join(map(re.escape, names))})(?!\w)", prompt, re.IGNORECASE))
    return [text for mark, text in _up_to_the_next(marks, prompt) if mark[1].lower() == name.lower()]


def _meanings(text: str) -> dict[str, str]:
    """`A: none, B = mild`, `A) none` line by line, `(A) none`: letters and what they are said to mean."""
    mark = r"(?:^|(?<=[\s,;|(\[{*-]))\(?([A-H])(?:\s*[=:)]|\.(?=\s))\s*"
    found: dict[str, str] = {}
    for letter, rest in _up_to_the_next(list(re.finditer(mark, text, re.MULTILINE)), text):
        meaning = re.split(r"[\n;]|\.(?:\s|$)", rest)[0].strip(" \t,|()[]{}*-'\"")
        if meaning and not re.fullmatch(r"[A-H]", meaning):
            found.setdefault(letter[1], meaning[:80])
    return found


def _labels(text: str) -> tuple[str, ...]:
    """The labels of a list that opens right before them: `cause: overlap|noise|..`, `cause (one of: a, b, ..)`."""
    item = r"[\w-]+(?: [\w-]+)?"
    match = re.search(rf"[:=(\[{{<]\s*({item}(?:\s*[|,/]\s*(?:or )?{item}){{7,}})(?![\w-])", text)
    items = [] if match is None else [re.sub(r"^or ", "", item.strip()) for item in re.split(r"[|,/]", match[1])]
    labels = tuple(dict.fromkeys(item for item in items if item.lower() != UNKNOWN))
    return () if all(len(item) == 1 for item in labels) else labels


def _up_to_the_next(marks: Sequence[re.Match[str]], text: str) -> list[tuple[re.Match[str], str]]:
    """Each mark with what stands between it and the next one."""
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    return [(mark, text[mark.end() : end]) for mark, end in zip(marks, ends, strict=False)]
