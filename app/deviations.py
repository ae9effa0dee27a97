"""How what a column shows differs from what was trained: the words that leave the window with it."""

from __future__ import annotations

from app.store import Store
from core import pipeline


def deviation_labels(store: Store, key: str) -> list[str]:
    """The labels of the prediction in a column, its threshold included; empty without one."""
    prediction, threshold = store.run_state(key).prediction, store.columns[key].threshold
    if prediction is None:
        return []
    labels = [item.label for item in prediction.deviations if item.code != "threshold" or threshold is None]
    trained = pipeline.trained(prediction)
    moved = threshold is not None and threshold != trained
    return [*labels, f"threshold {threshold:g}, trained {trained:g}"] if moved else labels


def picture_text(store: Store) -> str:
    """A line for each column of the view, for whoever gets its picture without the window."""
    lines = []
    for key, column in store.columns.items():
        labels = "; ".join(deviation_labels(store, key))
        if store.run_state(key).prediction is not None:
            made = f"not as trained: {labels}" if labels else "as trained"
            lines.append(f"{store.column_title(key)}: {made if column.kind == 'checkpoint' else 'a mask'}")
    return "\n".join(lines)
