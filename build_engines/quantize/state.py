"""What an interrupted run has found so far: a folder beside the target, made anew when anything it hangs on changes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

__all__ = ["State"]

_T = TypeVar("_T")
_FILE = "state.json"


class State:
    """Results by name, each on disk as soon as it is there. Values are what JSON holds."""

    def __init__(self, folder: Path, key: Mapping[str, Any]) -> None:
        """Goes on with the folder's results if they were found under this `key`, else empties it. Raises OSError."""
        self.folder = folder
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        self._values: dict[str, Any] = {}
        try:
            stored = json.loads((folder / _FILE).read_bytes())
            if stored["key"] == digest:
                self._values = dict(stored["values"])
        except (OSError, ValueError, KeyError, TypeError):
            pass
        self._digest = digest
        if not self._values:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            self._write()
        self.resumed = len(self._values)

    def get(self, name: str, make: Callable[[], _T]) -> _T:
        """The result of that name, made now unless it is there."""
        if name not in self._values:
            self._values[name] = make()
            self._write()
        found: _T = self._values[name]
        return found

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __len__(self) -> int:
        return len(self._values)

    def close(self) -> None:
        """The work is done: removes the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self) -> None:
        part = self.folder / f"{_FILE}.part"
        with part.open("w", encoding="utf-8") as file:
            json.dump({"key": self._digest, "values": self._values}, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.folder / _FILE)
