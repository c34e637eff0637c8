"""edge_tts.wav and edge_tts.audio: a whole file or none."""

import errno
import io
import os
import wave

import numpy as np
import pytest

from edge_tts.audio import AudioChunk
from edge_tts.errors import OutputError
from edge_tts.wav import WavWriter, header


def chunk(*samples):
    return AudioChunk(np.array(samples, np.float32), 24000, 0, 1)


def test_pcm16_is_little_endian_and_clips():
    pcm = chunk(0, 1, -1, 0.5, 2, -3, 1e-9).pcm16()
    assert np.frombuffer(pcm, "<i2").tolist() == [0, 32767, -32767, 16384, 32767, -32767, 0]
    assert (chunk().channels, chunk().width, chunk().pcm16()) == (1, 2, b"")


def test_header_is_read_by_the_wave_module():
    with wave.open(io.BytesIO(header(24000, 10) + bytes(10))) as file:
        assert file.getparams()[:4] == (1, 2, 24000, 5)


def test_sizes_beyond_four_gigabytes_saturate():
    assert header(24000, 1 << 33)[-4:] == b"\xff\xff\xff\xff"


def test_a_file_appears_when_it_is_whole(tmp_path):
    target = tmp_path / "out.wav"
    with WavWriter(target, 24000) as file:
        file.write(bytes(range(100)))
        assert not target.exists()
        file.write(bytes(10))
    with wave.open(str(target)) as read:
        assert read.getnframes() == 55
        assert read.readframes(50) == bytes(range(100))
    assert list(tmp_path.iterdir()) == [target]
    assert target.stat().st_mode & 0o777 == 0o666 & ~current_umask()


def current_umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_exception_leaves_the_old_file(tmp_path, error):
    target = tmp_path / "out.wav"
    target.write_bytes(b"old")
    with pytest.raises(error), WavWriter(target, 24000) as file:
        file.write(bytes(100))
        raise error
    assert target.read_bytes() == b"old" and list(tmp_path.iterdir()) == [target]


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "real.wav").write_bytes(b"old")
    (tmp_path / "link.wav").symlink_to("real.wav")
    with WavWriter(tmp_path / "link.wav", 24000):
        pass
    assert (tmp_path / "link.wav").is_symlink() and (tmp_path / "real.wav").read_bytes()[:4] == b"RIFF"


def refused(path, word):
    with pytest.raises(OutputError, match=word) as caught, WavWriter(path, 24000) as file:
        file.write(bytes(100))
    assert "\n" not in str(caught.value) and path.name in str(caught.value)


def test_targets_that_cannot_be_written(tmp_path):
    refused(tmp_path, "folder")
    refused(tmp_path / "no" / "out.wav", "No such file")
    (tmp_path / "file").write_bytes(b"")
    refused(tmp_path / "file" / "out.wav", "Not a directory")
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "regular file")
    refused(tmp_path / ("x" * 300), "too long")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_closed(tmp_path):
    tmp_path.chmod(0o500)
    refused(tmp_path / "out.wav", "denied")


class FullDisk(io.BytesIO):
    """A file on a disk that takes 44 bytes."""

    def write(self, data):
        if self.tell() + len(data) > 44:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


def test_a_full_disk_leaves_nothing(tmp_path):
    target = tmp_path / "out.wav"
    with pytest.raises(OutputError, match="No space left on device"), WavWriter(target, 24000) as file:
        file._file.close()
        file._file = FullDisk()
        file._file.write(bytes(44))
        file.write(bytes(100))
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_only_at_the_end(tmp_path, monkeypatch):
    def fail(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("edge_tts.wav.os.fsync", fail)
    refused(tmp_path / "out.wav", "No space left")
    assert list(tmp_path.iterdir()) == []


def test_interrupted_while_it_is_opened(tmp_path, monkeypatch):
    def interrupted(rate, size):
        raise KeyboardInterrupt

    monkeypatch.setattr("edge_tts.wav.header", interrupted)
    with pytest.raises(KeyboardInterrupt), WavWriter(tmp_path / "a.wav", 24_000):
        pass
    assert list(tmp_path.iterdir()) == []
