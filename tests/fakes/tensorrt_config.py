"""What a build is told: profiles, timings, limits, a monitor; see `tests.fakes.tensorrt`."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.tensorrt_names import Dims, Strict, shape_of, text_of, whole

__all__ = ["CONFIG_CLASSES"]


class IOptimizationProfile(Strict):
    _kind = "IOptimizationProfile"

    def __init__(self) -> None:
        self._shapes: dict[str, list[tuple[int, ...]]] = {}
        self._values: dict[str, list[tuple[int, ...]]] = {}

    def set_shape(self, input: str, min: Any, opt: Any, max: Any) -> None:
        self._shapes[text_of(input)] = _ordered(input, min, opt, max)

    def get_shape(self, input: str) -> list[Dims]:
        return [Dims(shape) for shape in self._shapes.get(text_of(input), [])]

    def set_shape_input(self, input: str, min: Any, opt: Any, max: Any) -> None:
        self._values[text_of(input)] = _ordered(input, min, opt, max)

    def get_shape_input(self, input: str) -> list[list[int]]:
        return [list(values) for values in self._values.get(text_of(input), [])]


def _ordered(name: str, least: Any, best: Any, most: Any) -> list[tuple[int, ...]]:
    shapes = [shape_of(shape) for shape in (least, best, most)]
    ranks = {len(shape) for shape in shapes}
    if len(ranks) != 1 or any(not a <= b <= c for a, b, c in zip(*shapes, strict=True)):
        raise ValueError(f"profile: shapes of {name} are not ordered: {shapes}")
    return shapes


class ITimingCache(Strict):
    _kind = "ITimingCache"

    def __init__(self, entries: dict[str, int], device: str) -> None:
        self._entries, self._device = entries, device

    def serialize(self) -> Any:
        body = {"version": self._fake.build, "device": self._device, "entries": self._entries}
        return self._fake.IHostMemory(b"FAKE-TIMINGS" + json.dumps(body, sort_keys=True).encode())

    def combine(self, input_cache: Any, ignore_mismatch: bool) -> bool:
        self._entries |= input_cache._entries
        return True

    def reset(self) -> bool:
        self._entries.clear()
        return True


class IBuilderConfig(Strict):
    _kind = "IBuilderConfig"

    def __init__(self) -> None:
        self._monitor, self._level, self._timings, self._verbosity, self._streams = None, 3, None, None, -1
        self._profiles: list[Any] = []
        self._limits: dict[str, int] = {}
        self._flags: set[str] = set()

    def set_memory_pool_limit(self, pool: Any, pool_size: int) -> None:
        if not isinstance(pool, self._fake.MemoryPoolType):
            raise TypeError("set_memory_pool_limit: a MemoryPoolType is wanted")
        self._limits[pool.name] = whole(pool_size)

    def get_memory_pool_limit(self, pool: Any) -> int:
        return self._limits.get(pool.name, 1 << 40)

    def set_flag(self, flag: Any) -> None:
        if not isinstance(flag, self._fake.BuilderFlag):
            raise TypeError("set_flag: a BuilderFlag is wanted")
        self._flags.add(flag.name)

    def clear_flag(self, flag: Any) -> None:
        self._flags.discard(flag.name)

    def get_flag(self, flag: Any) -> bool:
        return flag.name in self._flags

    def create_timing_cache(self, serialized_timing_cache: Any) -> Any:
        raw = bytes(memoryview(serialized_timing_cache))
        if not raw:
            return self._fake.ITimingCache({}, self._fake.device)
        try:
            body = json.loads(raw.removeprefix(b"FAKE-TIMINGS")) if raw.startswith(b"FAKE-TIMINGS") else None
        except ValueError:
            body = None
        if body is None:
            self._fake.messages.append(("ERROR", "the timing cache is corrupt"))
            return None
        return self._fake.ITimingCache(body["entries"], body["device"])

    def set_timing_cache(self, cache: Any, ignore_mismatch: bool) -> bool:
        if not isinstance(cache, self._fake.ITimingCache) or not isinstance(ignore_mismatch, bool):
            raise TypeError("set_timing_cache: an ITimingCache and a bool are wanted")
        if cache._device != self._fake.device and not ignore_mismatch:
            return False
        self._timings = cache
        return True

    def get_timing_cache(self) -> Any:
        return self._timings

    def add_optimization_profile(self, profile: Any) -> int:
        if not isinstance(profile, self._fake.IOptimizationProfile):
            raise TypeError("add_optimization_profile: an IOptimizationProfile is wanted")
        self._profiles.append(profile)
        return len(self._profiles) - 1

    @property
    def num_optimization_profiles(self) -> int:
        return len(self._profiles)

    @property
    def progress_monitor(self) -> Any:
        return self._monitor

    @progress_monitor.setter
    def progress_monitor(self, monitor: Any) -> None:
        if monitor is not None and not isinstance(monitor, self._fake.IProgressMonitor):
            raise TypeError("progress_monitor: an IProgressMonitor is wanted")
        self._monitor = monitor

    @property
    def builder_optimization_level(self) -> int:
        return self._level

    @builder_optimization_level.setter
    def builder_optimization_level(self, level: int) -> None:
        self._level = whole(level)

    @property
    def profiling_verbosity(self) -> Any:
        return self._verbosity

    @profiling_verbosity.setter
    def profiling_verbosity(self, verbosity: Any) -> None:
        if not isinstance(verbosity, self._fake.ProfilingVerbosity):
            raise TypeError("profiling_verbosity: a ProfilingVerbosity is wanted")
        self._verbosity = verbosity

    @property
    def max_aux_streams(self) -> int:
        return self._streams

    @max_aux_streams.setter
    def max_aux_streams(self, streams: int) -> None:
        self._streams = whole(streams)


class IProgressMonitor(Strict):
    """Users derive from it and define all three."""

    _kind, _open = "IProgressMonitor", True

    def __init__(self) -> None:
        pass


CONFIG_CLASSES = (IOptimizationProfile, ITimingCache, IBuilderConfig, IProgressMonitor)
