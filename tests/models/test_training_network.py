"""The network, its assignment and its training, a few steps of it. Needs the extra `train`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is missing: pip install .[train]")

from metrica.models.network import Network  # noqa: E402
from metrica.models.training.assign import assign  # noqa: E402
from metrica.models.training.export import convert, from_checkpoint, write  # noqa: E402
from metrica.models.training.grid import SIZE  # noqa: E402
from metrica.models.training.losses import generalised_iou  # noqa: E402
from metrica.models.training.network import PersonNet, centres, multiply_adds  # noqa: E402
from metrica.models.training.start import load_exported, measure_norms  # noqa: E402
from metrica.models.training.teacher import CELLS, CHANNELS  # noqa: E402
from metrica.models.training.train import Plan, Trainer, save  # noqa: E402

CENTRES = centres(SIZE[::-1]).T


def within(box: torch.Tensor) -> torch.Tensor:
    """Which cells have their centre in a box."""
    return torch.logical_and(CENTRES > box[:2], CENTRES < box[2:]).all(1)  # noqa: SIM300


def test_the_network_is_as_small_as_it_must_be() -> None:
    network = PersonNet()
    assert sum(p.numel() for p in network.parameters()) < 1.1e6
    assert 2 * multiply_adds(network) <= 0.7e9


def test_only_cells_inside_a_person_answer_and_the_best_overlap_is_the_target() -> None:
    person = torch.tensor([100.0, 60, 160, 200])
    boxes = person.expand(1, len(CENTRES), 4).clone()
    boxes[0, ::2] += 20
    scores = torch.full((1, len(CENTRES)), 0.3)
    out = assign(scores, boxes, CENTRES, person[None, None], torch.ones(1, 1))
    own = out.target[0] > 0
    assert 1 <= int(own.sum()) <= 10
    inside = within(person)
    assert bool(inside[own].all())
    assert float(out.target.max()) == pytest.approx(1.0, abs=1e-5)
    assert bool((out.box[0][own] == person).all())


def test_cells_in_a_region_to_be_ignored_are_not_taught() -> None:
    region = torch.tensor([[[100.0, 60, 160, 200]]])
    out = assign(torch.rand(1, len(CENTRES)), torch.rand(1, len(CENTRES), 4), CENTRES, region, torch.full((1, 1), 2))
    inside = within(region[0, 0])
    assert bool((out.weight[0][inside] == 0).all())
    assert bool((out.weight[0][~inside] == 1).all())


def test_generalised_iou_by_hand() -> None:
    a = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 10]])
    b = torch.tensor([[0.0, 0, 10, 10], [20, 0, 30, 10]])
    assert generalised_iou(a, b).tolist() == pytest.approx([1.0, -1 / 3])


def test_training_learns_resumes_and_exports(tmp_path: Path) -> None:
    plan = Plan(steps=12, decay=4, rate=2e-3, mimic=0.5, seed=1)
    assert plan.rate_at(0) < plan.rate_at(6)
    pictures = torch.randint(0, 255, (2, 3, SIZE[1], SIZE[0]), dtype=torch.uint8)
    boxes = torch.tensor([[[100.0, 60, 160, 200, 1]], [[10.0, 20, 60, 120, 1]]])
    batch = pictures, boxes, [torch.zeros(2, CHANNELS, *cells) for cells in CELLS]
    trainer = Trainer(plan)
    losses = [sum(trainer.learn(batch).values()) for _ in range(6)]
    assert losses[-1] < losses[0]
    save(trainer.state(), tmp_path / "a.pt")
    again = Trainer(plan)
    again.resume(torch.load(tmp_path / "a.pt", weights_only=True))
    assert again.step == 6
    assert again.learn(batch)["box"] == pytest.approx(trainer.learn(batch)["box"], rel=0.05)
    with pytest.raises(ValueError, match="of a network of width 16, not 8"):
        Trainer(Plan(12, 4, 2e-3, 0.5, 1, width=8)).resume(trainer.state())
    model = from_checkpoint(tmp_path / "a.pt", tmp_path)
    found = Network(model).infer(np.zeros((360, 640, 3), np.uint8), 0.001)
    assert found.boxes.shape[1] == 4


def test_training_goes_on_from_an_exported_network_that_says_the_same(tmp_path: Path) -> None:
    torch.manual_seed(3)
    network = PersonNet(4)
    pictures = torch.randint(0, 255, (4, 3, SIZE[1], SIZE[0]), dtype=torch.uint8)
    network(pictures.float())  # norms with statistics of their own
    write(convert(network.eval()), tmp_path / "a.xml")
    again = PersonNet(4)
    load_exported(again, tmp_path / "a.xml")
    for step in ("folded", "measured"):
        with torch.no_grad():
            was, now = network.eval()(pictures.float())[0], again.eval()(pictures.float())[0]
        assert torch.allclose(was, now, atol=0.02), step
        measure_norms(again, [pictures])
    # In training mode, too, the restored norms give the same output for the same pictures.
    learning = again.train()(pictures.float())[0].detach()
    assert torch.allclose(learning, now, atol=0.02)
    with pytest.raises(ValueError, match="is not an FP16 export of this network"):
        load_exported(PersonNet(8), tmp_path / "a.xml")
