"""At every moment one of the two folders is there, whole."""

import errno

import pytest

from build_engines.bundles import exchange as module
from build_engines.bundles.exchange import exchange


@pytest.fixture
def folders(tmp_path):
    for name in ("made", "target"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "which").write_text(name)
    return tmp_path / "made", tmp_path / "target"


@pytest.fixture(params=[True, False], ids=["swapped", "aside"])
def system(request, monkeypatch):
    """A system that can swap two names, and one that can't."""
    if not request.param:
        monkeypatch.setattr(module, "_swap", lambda one, other: False)


def test_the_new_one_takes_the_place(folders, system):
    made, target = folders
    exchange(made, target)
    assert (target / "which").read_text() == "made"
    assert list(target.parent.iterdir()) == [target]


def test_where_nothing_was(folders, system):
    made, target = folders
    exchange(made, target.with_name("new"))
    assert (target.with_name("new") / "which").read_text() == "made"
    assert (target / "which").read_text() == "target"
    assert not made.exists()


def test_the_old_one_comes_back(folders, monkeypatch):
    made, target = folders
    monkeypatch.setattr(module, "_swap", lambda one, other: False)
    rename = type(made).rename

    def failing(self, to):
        if self == made:
            raise OSError(errno.ENOSPC, "full")
        return rename(self, to)

    monkeypatch.setattr(type(made), "rename", failing)
    with pytest.raises(OSError, match="full"):
        exchange(made, target)
    assert (target / "which").read_text() == "target"


def test_a_stale_folder_is_in_nobodys_way(folders, monkeypatch):
    made, target = folders
    monkeypatch.setattr(module, "_swap", lambda one, other: False)
    stale = target.with_name(".target.old")
    stale.mkdir()
    (stale / "rest").write_text("of an earlier run")
    exchange(made, target)
    assert list(target.parent.iterdir()) == [target]


def test_a_real_failure_is_no_lack_of_support(tmp_path):
    (tmp_path / "target").mkdir()
    with pytest.raises(FileNotFoundError):
        exchange(tmp_path / "none", tmp_path / "target")
    assert (tmp_path / "target").is_dir()
