"""Pauses without punctuation."""

from edge_tts.text import front_end
from edge_tts.text.english.phrasing import features, with_breaks


def phrased(text):
    (sentence,) = front_end(text)
    return sentence, with_breaks(sentence)


def test_a_long_stretch_is_broken_before_its_verb_phrase():
    plain, broken = phrased("The next train to the city leaves in seven minutes.")
    assert "," not in plain.phones
    assert broken.phones.count(",") == 1
    assert [p for p in broken.phones if p != ","] == list(plain.phones)
    assert sum(broken.word_to_phone) == len(broken.phones)
    assert broken.spoken == plain.spoken


def test_short_sentences_stay_whole():
    for text in ("Dinner is ready.", "Yes.", "Good night, sleep well."):
        plain, broken = phrased(text)
        assert broken == plain


def test_no_pause_beside_a_pause():
    for text in (
        "Prisoners were committed to it quite without reference to its capacity, and nobody in the town was told.",
        "It was during this period that he was said to have imbibed his revolutionary ideas of the state.",
    ):
        _, broken = phrased(text)
        assert all(not (a in ",." and b in ",.") for a, b in zip(broken.phones, broken.phones[1:], strict=False))


def test_features_name_the_words_and_cap_the_distances():
    assert features("city", "leaves", 3, 40) == ["l:city", "r:leaves", "s3", "u12"]
