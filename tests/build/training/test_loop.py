"""The training loop on a line through points: what it saves, and that stopping changes nothing."""

import json

import pytest
import torch
from torch import nn

from build_engines.training.loop import Budget, train

HOURS = 1e9


class Line:
    """A regression that counts its steps and can stop at one of them."""

    def __init__(self, stop_at=None):
        torch.manual_seed(0)
        self.module = nn.Linear(3, 1)
        self.x = torch.randn(32, 3)
        self.y = self.x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 0.3
        self.calls, self.stop_at = 0, stop_at

    def losses(self):
        if self.calls == self.stop_at:
            raise KeyboardInterrupt
        self.calls += 1
        error = (self.module(self.x) - self.y).square().mean()
        return {"error": error, "_root": error.detach().sqrt()}

    def train(self, folder, steps, **options):
        train("line", self.module, self.losses, folder, Budget(HOURS, steps), 0.05, warmup=5, average=0.9, **options)


def checkpoint(folder):
    return torch.load(folder / "line.pt", weights_only=True)


def test_it_learns_and_writes_its_curve(tmp_path):
    line = Line()
    line.train(tmp_path, 150)
    rows = [json.loads(row) for row in (tmp_path / "line.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [50, 100, 150]
    assert rows[-1]["error"] < 0.1 * rows[0]["error"]
    assert set(rows[0]) == {"step", "seconds", "error", "_root"}
    found = checkpoint(tmp_path)
    assert torch.equal(found["model"]["weight"], line.module.weight)
    assert not torch.equal(found["average"]["weight"], line.module.weight)


def test_a_finished_stage_is_not_run_again(tmp_path):
    Line().train(tmp_path, 20)
    again = Line()
    again.train(tmp_path, 20)
    assert again.calls == 0


def test_an_interrupted_run_ends_where_an_unbroken_one_does(tmp_path):
    whole = Line()
    whole.train(tmp_path / "whole", 80)
    broken = Line(stop_at=31)
    with pytest.raises(KeyboardInterrupt):
        broken.train(tmp_path / "broken", 80, save_every_seconds=0.0)
    assert checkpoint(tmp_path / "broken")["step"] == 31
    resumed = Line()
    resumed.train(tmp_path / "broken", 80)
    assert resumed.calls == 80 - 31
    assert checkpoint(tmp_path / "broken")["step"] == 80
    for key in ("model", "average"):
        ours, theirs = (checkpoint(tmp_path / name)[key] for name in ("broken", "whole"))
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_a_step_with_an_infinite_gradient_is_skipped(tmp_path):
    module = nn.Linear(1, 1)
    before = module.weight.detach().clone()
    train("bad", module, lambda: {"loss": module.weight.sum() * float("inf")}, tmp_path, Budget(HOURS, 3), 0.1)
    assert torch.equal(module.weight, before)


def test_minutes_and_steps_both_end_a_budget():
    assert Budget(2, 100).progress(60, 10) == 0.5
    assert Budget(2, 100).progress(60, 80) == 0.8
    assert Budget(2).progress(500, 1) == 1.0
