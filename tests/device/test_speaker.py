"""The loudspeaker, on a PortAudio whose device is a thread and whose sound is an array."""

import sys
import threading
import types

import numpy as np
import pytest

from device.player import Playback, play
from device.sinks import choose_sink
from device.speaker import Speaker, open_speaker
from device.wav_folder import WavFolder
from edge_tts import AudioChunk
from edge_tts.errors import OutputError, SynthesisError

RATE = 24000


class FakePortAudio(types.ModuleType):
    """Plays a hundred times faster than a real device, in blocks of 10 ms."""

    class PortAudioError(Exception):
        pass

    def __init__(self):
        super().__init__("sounddevice")
        self.streams = []
        self.refuse = False
        fake = self

        class OutputStream:
            latency = 0.001

            def __init__(self, *, samplerate, channels, dtype, device, latency, callback):
                if fake.refuse:
                    raise fake.PortAudioError("Invalid sample rate")
                assert (channels, dtype) == (1, "float32")
                self.rate, self.callback = samplerate, callback
                self.heard, self.active = [], False
                self.unplugged = threading.Event()
                fake.streams.append(self)

            def start(self):
                self.active = True
                self.thread = threading.Thread(target=self._run)
                self.thread.start()

            def _run(self):
                while not self.unplugged.wait(0.0001):
                    block = np.empty((self.rate // 100, 1), dtype=np.float32)
                    self.callback(block, len(block), None, None)
                    self.heard.append(block[:, 0])

            def close(self):
                self.unplugged.set()
                self.thread.join()
                self.active = False

            @property
            def signal(self):
                return np.concatenate(self.heard)

        self.OutputStream = OutputStream

    def query_devices(self, device, kind):
        if device == "missing":
            raise ValueError("No output device matching 'missing'")
        if device == "none at all":
            raise self.PortAudioError("Error querying device -1")
        return {"name": "fake"}


@pytest.fixture
def portaudio(monkeypatch):
    fake = FakePortAudio()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    yield fake
    for stream in fake.streams:
        stream.close()


def chunks(*levels, length=2400):
    for level in levels:
        yield AudioChunk(np.full(length, level, dtype=np.float32), RATE, 0, 1)


def test_all_is_heard_without_a_jump_and_after_a_lead_in(portaudio):
    speaker = open_speaker()
    first = []
    details = play(chunks(0.5, 0.5, 0.5), speaker.open("a", RATE), Playback(), on_first_audio=lambda: first.append(1))
    speaker.rest()
    signal = portaudio.streams[0].signal
    assert details == {"audio_ms": 300}
    assert first == [1]
    assert np.count_nonzero(signal) in range(7198, 7201)
    assert np.max(np.abs(np.diff(signal))) < 0.01
    assert int(np.argmax(signal > 0)) >= 0.15 * RATE


def test_volume(portaudio):
    speaker = open_speaker()
    play(chunks(0.8), speaker.open("a", RATE), Playback(), volume=0.25, on_first_audio=lambda: None)
    speaker.rest()
    assert np.max(portaudio.streams[0].signal) == pytest.approx(0.2)


def test_a_text_shorter_than_the_prebuffer_is_heard(portaudio):
    speaker = open_speaker()
    first = []
    play(chunks(0.5, length=100), speaker.open("a", RATE), Playback(), on_first_audio=lambda: first.append(1))
    speaker.rest()
    assert first == [1]
    assert np.count_nonzero(portaudio.streams[0].signal) in range(97, 101)


def test_the_stream_stays_open_between_utterances_and_opens_again_after_a_rest(portaudio):
    speaker = open_speaker()
    for id_ in "ab":
        play(chunks(0.5), speaker.open(id_, RATE), Playback(), on_first_audio=lambda: None)
    assert len(portaudio.streams) == 1
    speaker.rest()
    speaker.rest()
    play(chunks(0.5), speaker.open("c", RATE), Playback(), on_first_audio=lambda: None)
    assert len(portaudio.streams) == 2
    play(chunks(0.5), speaker.open("d", 22050), Playback(), on_first_audio=lambda: None)
    assert [stream.rate for stream in portaudio.streams] == [RATE, RATE, 22050]


def test_stop_while_playing_fades_out_and_returns(portaudio):
    speaker = open_speaker()
    playback = Playback()
    endless = (AudioChunk(np.full(2400, 0.5, dtype=np.float32), RATE, 0, 1) for _ in iter(int, 1))
    play(endless, speaker.open("a", RATE), playback, on_first_audio=playback.stop)
    play(chunks(0.0), speaker.open("b", RATE), Playback(), on_first_audio=lambda: None)
    speaker.rest()
    signal = portaudio.streams[0].signal
    assert np.max(np.abs(np.diff(signal))) < 0.01
    assert np.count_nonzero(signal) < 20 * RATE


def test_stop_before_the_first_chunk(portaudio):
    speaker = open_speaker()
    playback = Playback()
    playback.stop()
    first = []
    play(chunks(0.5), speaker.open("a", RATE), playback, on_first_audio=lambda: first.append(1))
    speaker.rest()
    assert first == []
    assert not any(block.any() for block in portaudio.streams[0].heard)


def test_a_failing_synthesis_fades_out(portaudio):
    def failing():
        yield from chunks(0.5, 0.5)
        raise SynthesisError("no")

    speaker = open_speaker()
    with pytest.raises(SynthesisError):
        play(failing(), speaker.open("a", RATE), Playback(), on_first_audio=lambda: None)
    play(chunks(0.0), speaker.open("b", RATE), Playback(), on_first_audio=lambda: None)
    speaker.rest()
    assert np.max(np.abs(np.diff(portaudio.streams[0].signal))) < 0.01


def test_an_unplugged_device_is_an_error_and_the_next_utterance_opens_it_again(portaudio, monkeypatch):
    monkeypatch.setattr("device.speaker._STALL_S", 0.1)
    speaker = open_speaker()

    def unplug():
        portaudio.streams[0].unplugged.set()

    with pytest.raises(OutputError, match="is it still plugged in"):
        play(chunks(*[0.5] * 300), speaker.open("a", RATE), Playback(), on_first_audio=unplug)
    play(chunks(0.5), speaker.open("b", RATE), Playback(), on_first_audio=lambda: None)
    assert len(portaudio.streams) == 2


def test_a_rate_that_the_device_refuses(portaudio):
    portaudio.refuse = True
    with pytest.raises(OutputError, match="can't be opened at 24000 Hz: Invalid sample rate"):
        open_speaker().open("a", RATE)


@pytest.mark.parametrize(("device", "reason"), [("missing", "no sound device 'missing'"), ("none at all", "no sound")])
def test_no_such_device(portaudio, device, reason):
    with pytest.raises(OutputError, match=reason):
        open_speaker(device)


@pytest.fixture
def no_portaudio(monkeypatch, tmp_path):
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.syspath_prepend(tmp_path)


def test_without_the_portaudio_library_auto_writes_files_and_says_so_once(no_portaudio, tmp_path, caplog):
    sink = choose_sink("auto", tmp_path / "spoken")
    assert isinstance(sink, WavFolder)
    (record,) = caplog.records
    assert record.message == (
        "no PortAudio library (PortAudio library not found; on Debian: apt install libportaudio2): "
        f"writing WAV files to {tmp_path / 'spoken'}"
    )
    with pytest.raises(OutputError, match="no PortAudio library"):
        choose_sink("speaker", tmp_path / "spoken")


def test_a_folder_needs_no_portaudio(no_portaudio, tmp_path):
    assert isinstance(choose_sink(str(tmp_path / "out"), tmp_path / "unused"), WavFolder)
    assert not (tmp_path / "unused").exists()


def test_auto_takes_the_speaker_where_there_is_one(portaudio, tmp_path):
    assert isinstance(choose_sink("auto", tmp_path / "spoken"), Speaker)
    assert not (tmp_path / "spoken").exists()
