import numpy as np
import pytest

from build_engines.training.batches import PHONE_CLASSES
from build_engines.training.corpus import HOP, Corpus, Utterance, pack
from build_engines.training.forced_alignment import attach_text, viterbi


def log(rows):
    return np.log(np.array(rows, np.float32))


def test_the_best_path_by_hand():
    # States: pause (optional), A, B, pause (optional); classes: 0 pause, 1 A, 2 B.
    posteriors = log([[0.1, 0.8, 0.1], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8], [0.7, 0.2, 0.1]])
    assert viterbi(posteriors, [0, 1, 2, 0], [True, False, False, True]).tolist() == [1, 1, 2, 3]
    # 0.8 * 0.5 * 0.8 * 0.7 = 0.224 against 0.1 * 0.5 * 0.8 * 0.7 with the pause first.


def test_states_that_must_be_visited_are_visited():
    posteriors = log([[0.9, 0.05, 0.05], [0.6, 0.2, 0.2], [0.5, 0.25, 0.25]])
    assert viterbi(posteriors, [0, 1, 2, 0], [True, False, False, True]).tolist() == [0, 1, 2]


def test_optional_states_between_are_skipped_or_held():
    certain = np.full((4, 3), 0.01)
    certain[[0, 1, 2, 3], [1, 0, 0, 2]] = 0.98
    assert viterbi(log(certain), [1, 0, 2], [False, True, False]).tolist() == [0, 1, 1, 2]
    certain[[1, 2], 0] = 0.01
    certain[[1, 2], [1, 2]] = 0.98
    assert viterbi(log(certain), [1, 0, 2], [False, True, False]).tolist() == [0, 0, 2, 2]


def test_too_few_steps():
    with pytest.raises(ValueError, match="1 steps can't hold 2 phones"):
        viterbi(log([[0.5, 0.5]]), [0, 1], [False, False])


def test_text_is_attached_to_the_recordings_whose_words_are_known(tmp_path):
    frames = 24
    names = ("known", "digits", "unknown", "textless")
    silent = [
        Utterance(n, "lj", np.zeros(frames * HOP, np.float32), np.zeros(frames, np.float32),
                  np.full(frames, -1, np.int16), (), 12_000.0)
        for n in names
    ]  # fmt: skip
    pack(silent, tmp_path / "corpus")
    # At 50 Hz: 2 steps pause, 3 of B, 3 of UH, 2 of K, 2 pause.
    heard = ["PAU"] * 2 + ["B"] * 3 + ["UH"] * 3 + ["K"] * 2 + ["PAU"] * 2
    posterior = np.full((12, len(PHONE_CLASSES)), 1e-3, np.float32)
    posterior[np.arange(12), [PHONE_CLASSES.index(p) for p in heard]] = 0.9
    counts = np.full(len(names), 6)
    np.savez(tmp_path / "tokens.npz", phones=np.log(np.tile(posterior, (len(names), 1))), counts=counts)
    texts = {"known": "Book.", "digits": "Book 2.", "unknown": "Zxq."}
    found = attach_text(
        tmp_path / "corpus", tmp_path / "tokens.npz", texts, lambda w: [("B", "UH1", "K")] if w == "book" else []
    )
    assert found == 1
    corpus = Corpus(tmp_path / "corpus")
    assert corpus.utterance(0).phones == ("B", "UH1", "K", ".")
    assert corpus.utterance(0).align.tolist() == [0] * 10 + [1] * 6 + [2] * 4 + [3] * 4
    for i in range(1, 4):
        assert corpus.utterance(i).phones == ()
        assert set(corpus.utterance(i).align) == {-1}
