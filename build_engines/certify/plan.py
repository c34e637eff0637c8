"""Who says what in a certification: a bounded number of sentences, the same for every run. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["LEAST_FREE", "Plan", "forced_jobs", "free_jobs"]

LEAST_FREE = 50
"""Sentences that are spoken freely at the least, by all speakers together."""

_FORCED_TOTAL, _FORCED_LEAST = 48, 4
_FREE_TOTAL, _FREE_PER_SPEAKER, _FREE_LEAST = 162, 54, 8


@dataclass(frozen=True)
class Plan:
    """How to certify.

    seed: fixes all noise. texts: sentences instead of the repository's, for all speakers. forced: sentences per
    speaker that both voices speak on the same tokens, at most. wer: count wrong words too (English speakers). verifier:
    ERes2NetV2's checkpoint, for the embeddings of a v2Pro voice. examples: sentences to keep the sound of.
    """

    seed: int = 0
    texts: tuple[str, ...] | None = None
    forced: int = 12
    wer: bool = False
    verifier: Path | None = None
    threads: int = 1
    examples: int = 4


def forced_jobs(texts: Mapping[str, Sequence[str]], most: int) -> list[tuple[str, str]]:
    """(speaker, text): up to `most` of each speaker's texts, spread evenly; about 48 in all, at least 4 a speaker."""
    each = max(_FORCED_LEAST, min(most, _FORCED_TOTAL // max(1, len(texts))))
    jobs = []
    for speaker, own in texts.items():
        count = min(each, len(own))
        jobs += [(speaker, own[index * len(own) // count]) for index in range(count)]
    return jobs


def free_jobs(texts: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """(speaker, text): 54 a speaker for up to three, fewer for more, and 50 in all even where the texts must repeat.

    Where a speaker has not the time for all texts, the next one goes on with those that follow.
    """
    speakers = max(1, len(texts))
    share = min(_FREE_PER_SPEAKER, max(_FREE_LEAST, _FREE_TOTAL // speakers))
    jobs = []
    for index, (speaker, own) in enumerate(texts.items()):
        count = max(min(share, len(own)), -(-LEAST_FREE // speakers))
        jobs += [(speaker, own[(index * count + number) % len(own)]) for number in range(count)]
    return jobs
