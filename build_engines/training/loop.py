"""What every training stage shares: the device, the learning rate, checkpoints that resume, and the curve."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

__all__ = ["Budget", "autocast", "device", "train"]


def device() -> torch.device:
    """A CUDA GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def autocast() -> torch.autocast:
    """bfloat16 for the matrix products: three to eight times faster than float32 on CPUs that have it."""
    return torch.autocast(device().type, torch.bfloat16)


class Budget:
    """Training is over after ``minutes`` (over all resumed runs) or ``steps``, whichever comes first."""

    def __init__(self, minutes: float, steps: int = 10**9) -> None:
        self.minutes, self.steps = minutes, steps

    def progress(self, seconds: float, step: int) -> float:
        """Share of the budget that is spent, 0 to 1."""
        return min(1.0, max(seconds / 60 / self.minutes, step / self.steps))


def _rate(progress: float, step: int, peak: float, warmup: int) -> float:
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * progress)))


def _save(path: Path, state: dict[str, Any]) -> None:
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


def train(
    name: str,
    module: nn.Module,
    losses: Callable[[], dict[str, Tensor]],
    folder: Path,
    budget: Budget,
    peak_rate: float,
    warmup: int = 200,
    average: float = 0.0,
    save_every_seconds: float = 120.0,
    decay: float = 0.01,
) -> None:
    """Minimize the sum of ``losses()`` with AdamW until the budget is spent.

    Losses whose names begin with "_" are only reported. ``folder/<name>.pt`` is the checkpoint,
    ``folder/<name>.jsonl`` the curve. ``average`` > 0 keeps an exponential moving average of the weights under the
    key "average".
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.pt"
    optimizer = torch.optim.AdamW(module.parameters(), lr=peak_rate, betas=(0.9, 0.98), weight_decay=decay, fused=True)
    step, seconds = 0, 0.0
    averaged: dict[str, Tensor] = {}
    if path.exists():
        state = torch.load(path, map_location="cpu", weights_only=True)
        module.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        step, seconds, averaged = int(state["step"]), float(state["seconds"]), state["average"]
    if average and not averaged:
        averaged = {k: v.detach().clone().float() for k, v in module.state_dict().items()}
    module.train()
    sums: dict[str, float] = {}
    count = 0
    mark = saved = time.monotonic()
    bar = tqdm(total=100.0, desc=name, unit="%", bar_format="{l_bar}{bar}| {elapsed}<{remaining} {postfix}")
    with (folder / f"{name}.jsonl").open("a", encoding="utf-8") as curve:
        while (progress := budget.progress(seconds, step)) < 1.0:
            for group in optimizer.param_groups:
                group["lr"] = _rate(progress, step, peak_rate, warmup)
            found = losses()
            total = torch.stack([v for k, v in found.items() if not k.startswith("_")]).sum()
            optimizer.zero_grad(set_to_none=True)
            total.backward()  # type: ignore[no-untyped-call]
            norm = nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            if torch.isfinite(norm):
                optimizer.step()
            if average:
                keep = min(average, (step + 1) / (step + 10))
                with torch.no_grad():
                    for key, value in module.state_dict().items():
                        averaged[key].lerp_(value.float(), 1 - keep)
            for key, loss in found.items():
                sums[key] = sums.get(key, 0.0) + float(loss.detach())
            count += 1
            step += 1
            now = time.monotonic()
            seconds += now - mark
            mark = now
            if count == 50:
                row = {k: round(v / count, 4) for k, v in sums.items()}
                curve.write(json.dumps({"step": step, "seconds": round(seconds), **row}) + "\n")
                curve.flush()
                bar.n = round(100 * progress, 1)
                bar.set_postfix(row)
                sums, count = {}, 0
            if now - saved > save_every_seconds:
                _save(path, _state(module, optimizer, step, seconds, averaged))
                saved = now
    _save(path, _state(module, optimizer, step, seconds, averaged))
    bar.close()


def _state(
    module: nn.Module, optimizer: torch.optim.Optimizer, step: int, seconds: float, averaged: dict[str, Tensor]
) -> dict[str, Any]:
    return {
        "model": module.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "seconds": seconds,
        "average": averaged,
    }
