"""Learns where a reader pauses without punctuation, from the pauses that Festival made (``cmu_us_slt_arctic_hts``).

A logistic regression over the words on both sides and the distances to the pauses before and after; its table is
``edge_tts/text/data/phrasing.json``, which `edge_tts.text.english.phrasing` reads.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from build_engines.training.align import PUNCTUATION, words_of
from build_engines.training.corpus import Corpus
from build_engines.training.texts import Text
from edge_tts.text.cmudict import pronunciations
from edge_tts.text.english.phrasing import BIAS, features

__all__ = ["breaks_of", "learn_phrasing"]

_WORDS = 160
_MIN_COUNT = 12


def breaks_of(words: Sequence[str], phones: Sequence[str]) -> set[int]:
    """Indices of the words before which the speaker paused although the text has no punctuation there."""
    expected: list[str] = []
    owner: list[int] = []
    for k, word in enumerate(words):
        own = [word] if word in PUNCTUATION else list(pronunciations(word)[0])
        expected += own
        owner += [k] * len(own)
    found = set()
    for kind, i, _, j, end in SequenceMatcher(None, expected, list(phones), autojunk=False).get_opcodes():
        inserted = kind == "insert" and list(phones[j:end]) == [","]
        if inserted and 0 < i < len(expected) and owner[i] != owner[i - 1]:
            found.add(owner[i])
    return found


def _places(words: Sequence[str], breaks: set[int]) -> list[tuple[list[str], bool]]:
    """(features, paused) of every gap between two words of a sentence."""
    rows = []
    last = 0
    for k in range(1, len(words)):
        if words[k] in PUNCTUATION:
            last = k + 1
        elif words[k - 1] not in PUNCTUATION:
            following = next((m for m in range(k, len(words)) if words[m] in PUNCTUATION), len(words))
            rows.append((features(words[k - 1], words[k], k - last, following - k), k in breaks))
            if k in breaks:
                last = k
    return rows


def learn_phrasing(corpus: Corpus, texts: Sequence[Text], target: Path) -> dict[str, float]:
    """Fit on nine tenths of the sentences, write the table, and return precision, recall and F1 on the last tenth."""
    written = {t.name: t.text for t in texts}
    groups = []
    for i in range(len(corpus)):
        words = words_of(written[corpus.names[i]])
        groups.append(_places(words, breaks_of(words, corpus.utterance(i).phones)))
    train = [row for i, group in enumerate(groups) if i % 10 for row in group]
    test = [row for i, group in enumerate(groups) if i % 10 == 0 for row in group]
    counts = Counter(name for names, _ in train for name in names)
    words_kept = [n for n, c in counts.most_common() if n[:2] in ("l:", "r:") and c >= _MIN_COUNT][: 2 * _WORDS]
    names = [*words_kept, *(n for n in counts if n[:2] not in ("l:", "r:"))]
    index = {name: k for k, name in enumerate(names)}

    def matrix(rows: Sequence[tuple[list[str], bool]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        x = np.zeros((len(rows), len(names)), np.float32)
        for r, (present, _) in enumerate(rows):
            x[r, [index[n] for n in present if n in index]] = 1
        return x, np.array([paused for _, paused in rows], np.float32)

    x, y = matrix(train)
    weights: NDArray[np.floating] = np.zeros(len(names), np.float32)
    bias = np.float32(-3.0)
    square = np.full(len(names) + 1, 1e-6, np.float32)
    for _ in range(400):  # full-batch Adagrad
        error = 1 / (1 + np.exp(-(x @ weights + bias))) - y
        gradient = np.concatenate([x.T @ error / len(y) + 1e-5 * weights, [error.mean()]])
        square += gradient**2
        step = 0.3 * gradient / np.sqrt(square)
        weights, bias = weights - step[:-1], bias - step[-1]
    # The threshold makes as many pauses as the reader made.
    score = x @ weights + bias
    bias = bias - np.quantile(score, 1 - y.mean())
    table = {name: round(float(w), 3) for name, w in zip(names, weights, strict=True)} | {BIAS: round(float(bias), 3)}
    target.write_text(json.dumps(table, indent=0, sort_keys=True) + "\n", encoding="utf-8")
    x, y = matrix(test)
    said = x @ weights + bias > 0
    hits = float((said & (y > 0)).sum())
    precision, recall = hits / max(1, said.sum()), hits / max(1, y.sum())
    return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / max(1e-9, precision + recall)}
