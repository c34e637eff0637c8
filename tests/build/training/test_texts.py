from pathlib import Path

import pytest

from build_engines.training import texts
from build_engines.training.texts import evaluation_texts, read_corpus, training_texts, unpredictable_texts

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "data" / "texts_en" / "sentences.csv"
WORDS = "the old river carries a bright window over every quiet garden while nobody watches paper boats".split()


@pytest.fixture
def small_corpus(tmp_path):
    triples = [(WORDS[i % 15], WORDS[i // 15 % 15], WORDS[i // 225]) for i in range(900)]
    lines = [f"s-{i:04d}|The {a} and {b} met {c}, he said." for i, (a, b, c) in enumerate(triples)]
    lines += ["digits|It was 1984.", "accents|A café.", 'quotes|He said "no" (twice).', "lonely"]
    path = tmp_path / "sentences.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_sentences_that_the_teachers_would_misread_are_left_out(small_corpus):
    found = {t.name: t.text for t in read_corpus(small_corpus)}
    assert len(found) == 901
    assert found["quotes"] == "He said no twice."


def test_nothing_that_is_judged_is_trained_on(small_corpus, monkeypatch):
    judged = {t.text.lower() for t in evaluation_texts(small_corpus, 10_000) + unpredictable_texts()}
    everyday, fragments = texts._everyday, texts._fragments
    for seed in range(5):
        monkeypatch.setattr(texts, "_everyday", lambda count, seed=seed: everyday(count, seed))
        monkeypatch.setattr(texts, "_fragments", lambda base, count, seed=seed: fragments(base, count, seed))
        trained = [t.text.lower() for t in training_texts(small_corpus)]
        assert judged.isdisjoint(trained)
        assert len(trained) > 2000


def test_a_template_that_gives_a_judged_sentence_is_dropped(small_corpus, monkeypatch):
    judged = evaluation_texts(small_corpus)[0]
    monkeypatch.setattr(texts, "TEMPLATES", [judged.text.upper()])
    assert judged.text.lower() not in {t.text.lower() for t in training_texts(small_corpus)}


def test_the_split_does_not_depend_on_order(small_corpus, tmp_path):
    turned = tmp_path / "turned.csv"
    turned.write_text("\n".join(reversed(small_corpus.read_text().splitlines())) + "\n")
    assert evaluation_texts(small_corpus, 40) == evaluation_texts(turned, 40)


def test_names_are_unique_and_safe(small_corpus):
    names = [t.name for t in training_texts(small_corpus)]
    assert len(set(names)) == len(names)
    assert all(name.replace("-", "").isalnum() for name in names)


def test_unpredictable_sentences():
    made = unpredictable_texts()
    assert len({t.text for t in made}) == 20
    assert all(t.text[0].isupper() and t.text.endswith(".") for t in made)
    assert not any(" a early" in t.text for t in made)


def test_the_corpus_that_the_voice_was_trained_on():
    if not CORPUS.exists():
        pytest.skip("the sentences of ../shared/data are not on this machine")
    judged = evaluation_texts(CORPUS) + unpredictable_texts()
    assert len(judged) == 68
    trained = {t.text.lower() for t in training_texts(CORPUS)}
    assert trained.isdisjoint(t.text.lower() for t in judged)
    assert len(trained) > 5000
