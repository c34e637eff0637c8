"""The report is one page that needs nothing else, with pictures in it."""

import base64
import re
import struct
import zlib
from html.parser import HTMLParser

import numpy as np
import pytest

from build_engines.enroll.audio import read_recording
from build_engines.enroll.measures import measure
from build_engines.enroll.report import Examined, render, write_report
from build_engines.enroll.verdicts import Level, judge
from tests.build.enroll.sounds import clean, noise, speech, write


def examine(path):
    measures = measure(read_recording(path))
    return Examined(measures, judge(measures))


def pixels(page):
    """Width, height and the variety of bytes of each picture."""
    for encoded in re.findall(r'src="data:image/png;base64,([^"]+)"', page):
        raw = base64.b64decode(encoded, validate=True)
        assert raw.startswith(b"\x89PNG\r\n\x1a\n")
        assert raw[-8:-4] == b"IEND"
        start = raw.index(b"IDAT") - 4
        size = struct.unpack(">I", raw[start : start + 4])[0]
        data = zlib.decompressobj().decompress(raw[start + 8 : start + 8 + size])
        yield *struct.unpack(">II", raw[16:24]), len(set(data))


class Page(HTMLParser):
    """Balanced tags, and everything that is referred to."""

    def __init__(self, text):
        super().__init__()
        self.open, self.links = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.links += [value for name, value in attributes if name in ("src", "href")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sounds")
    good = examine(write(folder / "good.wav", clean(3.0)))
    bad = examine(write(folder / "a&b<c>.wav", np.clip((speech() + noise(speech(), 10)) * 9, -0.9, 0.9)))
    return render("Recordings of x<y", [good, bad]), good, bad


def test_one_page_that_needs_nothing_else(page):
    parsed = Page(page[0])
    assert parsed.open == []
    assert len(parsed.links) == 2
    assert all(link.startswith("data:image/png;base64,") for link in parsed.links)
    assert "http" not in page[0]


def test_pictures(page):
    for width, height, variety in pixels(page[0]):
        assert width > 1200
        assert height > 800
        assert variety > 50


def test_every_finding_is_in_it(page):
    text, good, bad = page
    assert (good.level, bad.level) == (Level.FINE, Level.REFUSE)
    assert "This will do." in text
    assert "This will not do." in text
    for finding in good.findings + bad.findings:
        assert finding.figure in text
        assert finding.advice in text


def test_names_are_text(page):
    assert "a&amp;b&lt;c&gt;.wav" in page[0]
    assert "Recordings of x&lt;y" in page[0]
    assert "<c>" not in page[0]


def test_next_to_nothing_can_be_drawn(tmp_path):
    target = tmp_path / "deep" / "down" / "report.html"
    sounds = {"silent": np.zeros(24_000, np.float32), "tiny": np.full(50, 0.5, np.float32)}
    write_report(target, "nothing", [examine(write(tmp_path / f"{n}.wav", sound)) for n, sound in sounds.items()])
    assert "will not do" in target.read_text(encoding="utf-8")
