"""Files for machines that can't be heard."""

import errno
import os
import wave
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest

from device.wav_folder import WavFolder
from edge_tts.errors import OutputError


def moment():
    return datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=timezone.utc)


def test_a_file_is_a_wav_named_by_time_and_id(tmp_path):
    track = WavFolder(tmp_path / "new", now=moment).open("a-1", 24000)
    assert not track.begun
    assert track.write(np.array([0.0, 0.5, -1.0, 2.0], dtype=np.float32))
    assert track.begun
    assert [path.suffix for path in (tmp_path / "new").iterdir()] == [".part"]
    track.end()
    details = track.close()
    path = tmp_path / "new" / "20260102T030405.678Z-a-1.wav"
    assert details == {"audio_ms": 0, "file": str(path)}
    assert list(path.parent.iterdir()) == [path]
    with wave.open(str(path)) as file:
        assert file.getparams()[:4] == (1, 2, 24000, 4)
        assert np.frombuffer(file.readframes(4), dtype="<i2").tolist() == [0, 16384, -32767, 32767]


@pytest.mark.parametrize("id_", ["../../etc/passwd", "/abs", "..", "a\x00b", "Ünïcode", "x" * 300, "C:\\x", ""])
def test_no_id_leaves_the_folder(tmp_path, id_):
    folder = tmp_path / "out"
    track = WavFolder(folder).open(id_, 24000)
    track.write(np.zeros(10, dtype=np.float32))
    path = Path(track.close()["file"])
    assert path.parent == folder
    assert path.exists()
    assert len(path.name) < 100
    assert list(tmp_path.iterdir()) == [folder]


def test_an_aborted_utterance_leaves_nothing(tmp_path):
    track = WavFolder(tmp_path).open("a", 24000)
    track.write(np.zeros(10, dtype=np.float32))
    track.abort()
    assert track.write(np.zeros(10, dtype=np.float32)) is False
    assert track.close() == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, the disk that is always full")
def test_a_full_disk_is_one_clear_line(tmp_path, monkeypatch):
    real_open = Path.open
    monkeypatch.setattr(Path, "open", lambda self, mode="r": real_open(Path("/dev/full"), "wb"))
    track = WavFolder(tmp_path).open("a", 24000)
    with pytest.raises(OutputError, match="No space left on device"):
        for _ in range(100):
            track.write(np.zeros(24000, dtype=np.float32))
    track.abort()
    assert track.close() == {}


def test_a_disk_that_fills_at_the_very_end(tmp_path, monkeypatch):
    def full(_number):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    track = WavFolder(tmp_path).open("a", 24000)
    track.write(np.zeros(10, dtype=np.float32))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        track.close()
    track.abort()
    track.close()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="can't make the folder"):
        WavFolder(tmp_path / "file" / "sub")
    with pytest.raises(OutputError, match="can't make the folder"):
        WavFolder(tmp_path / "file")


def test_a_folder_that_went_away(tmp_path):
    folder = WavFolder(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(OutputError, match="No such file or directory"):
        folder.open("a", 24000)
