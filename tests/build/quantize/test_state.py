"""What an interrupted run has found: kept, found again, thrown away when it doesn't belong."""

import json

import pytest

from build_engines.quantize.state import State

KEY = {"source": "abc", "targets": ["cpu"]}


def never():
    raise AssertionError("found already")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "deep" / ".made.quantize"


def test_results_are_made_once(folder):
    state = State(folder, KEY)
    assert (len(state), state.resumed, "a" in state) == (0, 0, False)
    assert state.get("a", lambda: [1, 2.5]) == [1, 2.5]
    assert state.get("a", never) == [1, 2.5]
    assert "a" in state


def test_another_run_goes_on(folder):
    State(folder, KEY).get("a", lambda: 0.1)
    (folder / "calibration.npz").write_bytes(b"measured")
    again = State(folder, dict(reversed(KEY.items())))  # the same key
    assert again.resumed == 1
    assert again.get("a", never) == 0.1
    again.get("b", lambda: None)
    assert State(folder, KEY).get("b", never) is None
    assert (folder / "calibration.npz").read_bytes() == b"measured"


@pytest.mark.parametrize("key", [{**KEY, "source": "abd"}, {**KEY, "texts": None}, {}])
def test_another_key_begins_anew(folder, key):
    State(folder, KEY).get("a", lambda: 1)
    (folder / "calibration.npz").write_bytes(b"measured")
    other = State(folder, key)
    assert len(other) == other.resumed == 0
    assert [path.name for path in folder.iterdir()] == ["state.json"]


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"null", b'"key"', b"{}", b"\xff\xfe", b'{"key": "KEY"}', b'{"key": "KEY", "values": 3}']
)
def test_a_damaged_file_begins_anew(folder, raw):
    State(folder, KEY).get("a", lambda: 1)
    digest = json.loads((folder / "state.json").read_bytes())["key"]
    (folder / "state.json").write_bytes(raw.replace(b"KEY", digest.encode()))
    state = State(folder, KEY)
    assert "a" not in state
    assert state.get("a", lambda: 2) == 2
    assert State(folder, KEY).get("a", never) == 2


def test_nothing_found_is_nothing_kept(folder):
    State(folder, KEY)
    (folder / "half a graph").write_bytes(b"")
    State(folder, KEY)
    assert [path.name for path in folder.iterdir()] == ["state.json"]


def test_a_failing_result_is_not_kept(folder):
    state = State(folder, KEY)
    state.get("a", lambda: 1)
    with pytest.raises(KeyboardInterrupt):
        state.get("b", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    assert "b" not in State(folder, KEY)
    assert "a" in State(folder, KEY)


def test_a_full_disk_leaves_the_last_whole_file(folder, monkeypatch):
    state = State(folder, KEY)
    state.get("a", lambda: 1)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("build_engines.quantize.state.os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            state.get("b", lambda: 2)
    again = State(folder, KEY)
    assert again.get("a", never) == 1
    assert "b" not in again


def test_closing_removes_the_folder(folder):
    state = State(folder, KEY)
    state.get("a", lambda: 1)
    state.close()
    assert not folder.exists()
    assert folder.parent.exists()
