"""The sentences that voices are calibrated and certified on."""

from pathlib import Path

import pytest

from build_engines import training
from build_engines.errors import BuildError
from build_engines.sentences import LANGUAGES, read_file, sentences
from edge_tts.text import front_end

HELD_OUT = Path(training.__file__).parent / "data" / "heldout.txt"


@pytest.mark.parametrize("language", LANGUAGES)
def test_enough_and_none_twice(language):
    calibrating, certifying = sentences(language, "calibration"), sentences(language, "certification")
    assert len(calibrating) == 12
    assert len(certifying) >= 52
    assert len({*calibrating, *certifying}) == len(calibrating) + len(certifying)


def test_none_is_held_out_for_the_default_voice():
    held_out = {line.lower().strip() for line in HELD_OUT.read_text(encoding="utf-8").splitlines()}
    assert len(held_out) > 20
    assert not held_out & {
        line.lower() for purpose in ("calibration", "certification") for line in sentences("en", purpose)
    }


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_is_one_sentence_of_the_front_end(language):
    for line in sentences(language, "certification"):
        assert len(front_end(line, language)) == 1, line


def test_a_language_without_sentences_is_named():
    with pytest.raises(BuildError, match="no sentences in language 'fr': choose en, zh"):
        sentences("fr", "calibration")


def test_an_unknown_purpose_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="purpose"):
        sentences("en", "training")


def test_a_file_of_ones_own(tmp_path):
    (tmp_path / "mine.txt").write_bytes("\ufeffOne line.\r\n\r\n  Zwei Zeilen. \n".encode())
    assert read_file(tmp_path / "mine.txt") == ("One line.", "Zwei Zeilen.")


@pytest.mark.parametrize(
    ("raw", "message"),
    [(b"", "no sentence"), (b" \n\n", "no sentence"), (b"caf\xe9", "not UTF-8"), (b"a\n" * (1 << 20), "larger than")],
)
def test_a_file_that_will_not_do_is_one_clear_line(tmp_path, raw, message):
    (tmp_path / "mine.txt").write_bytes(raw)
    with pytest.raises(BuildError, match=message) as caught:
        read_file(tmp_path / "mine.txt")
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(BuildError, match=r"absent\.txt can't be read: No such file"):
        read_file(tmp_path / "absent.txt")
    with pytest.raises(BuildError, match="can't be read: Is a directory"):
        read_file(tmp_path)
