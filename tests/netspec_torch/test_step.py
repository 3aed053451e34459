"""One update: the loss with heads and smoothing, and what is random in it."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from netspec.graph import Head
from netspec.recipe.training import Loss
from netspec.values import Word
from netspec_torch.step import Scores, TrainingStep, seed_of_update

CPU = torch.device("cpu")


def make_loss(smooth: float = 0.0) -> Loss:
    return Loss.model_validate({"function": Word("softmax"), "smooth": smooth})


def make_step(
    net: Callable[[Tensor], Scores],
    parameters: list[nn.Parameter],
    loss: Loss | None = None,
    heads: tuple[Head, ...] = (),
    seed: int = 0,
    clip: float | None = None,
    device_batch: int | None = None,
) -> TrainingStep:
    return TrainingStep(
        net,
        torch.optim.SGD(parameters, lr=0.1),
        loss or make_loss(),
        clip=clip,
        heads=heads,
        device=CPU,
        seed=seed,
        device_batch=device_batch,
    )


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(6, 4, generator=generator), torch.tensor([0, 1, 2, 0, 1, 2])


def test_an_update_follows_the_gradient_of_the_mean_loss(batch: tuple[Tensor, Tensor]) -> None:
    layer = nn.Linear(4, 3, bias=False)
    images, labels = batch
    weight = layer.weight.detach().clone().requires_grad_()
    expected = cross_entropy(images @ weight.T, labels)
    expected.backward()
    assert weight.grad is not None
    loss, _ = make_step(layer, list(layer.parameters()))(images, labels, 0)
    torch.testing.assert_close(loss, expected.detach())
    torch.testing.assert_close(layer.weight.detach(), weight.detach() - 0.1 * weight.grad)
    assert layer.weight.grad is None


def test_smoothing_spreads_a_share_over_all_classes(batch: tuple[Tensor, Tensor]) -> None:
    images, labels = batch
    layer = nn.Linear(4, 3)
    step = make_step(layer, list(layer.parameters()), make_loss(0.3))
    logarithms = layer(images).log_softmax(1)
    target = 0.7 * torch.eye(3)[labels] + 0.3 / 3
    torch.testing.assert_close(
        step.compute_figures(images, labels)[0], -(target * logarithms).sum(1).mean()
    )


def test_heads_add_their_losses_times_their_weights(batch: tuple[Tensor, Tensor]) -> None:
    images, labels = batch
    main, early, late = (nn.Linear(4, 3) for _ in range(3))

    def net(x: Tensor) -> Scores:
        return main(x), {"early": early(x), "late": late(x)}

    heads = (Head("early", 0.3, "a"), Head("late", 2.0, "b"))
    step = make_step(net, list(main.parameters()), heads=heads)
    parts = [cross_entropy(layer(images), labels) for layer in (main, early, late)]
    expected = parts[0] + 0.3 * parts[1] + 2.0 * parts[2]
    torch.testing.assert_close(step.compute_figures(images, labels)[0], expected)


def test_the_training_error_is_the_share_of_wrong_answers_before_the_update() -> None:
    """The net's scores are its images; heads have no part in it."""
    images = torch.tensor([[9.0, 1, 1], [1, 9, 1], [1, 1, 9], [9, 1, 1]])
    labels = torch.tensor([0, 1, 0, 0])
    layer = nn.Linear(3, 3, bias=False)
    nn.init.eye_(layer.weight)
    head = Head("side", 1.0, "a")
    step = make_step(lambda x: (layer(x), {"side": -x}), list(layer.parameters()), heads=(head,))
    assert step(images, labels, 0)[1].item() == 0.25
    nn.init.constant_(layer.weight, -1.0)
    layer.weight.data.fill_diagonal_(-2.0)
    assert step(images, labels, 1)[1].item() == 0.75


def test_what_is_random_depends_on_seed_and_update_alone(batch: tuple[Tensor, Tensor]) -> None:
    images, labels = batch

    def loss(update: int, seed: int = 0) -> float:
        layer = nn.Linear(4, 3)
        nn.init.constant_(layer.weight, 0.5)
        nn.init.constant_(layer.bias, 0.0)
        torch.rand(update + 7)  # what was drawn before has no part in it
        net = nn.Sequential(nn.Dropout(0.5), layer, nn.Dropout(0.5))
        figures = make_step(net, list(net.parameters()), seed=seed)(images, labels, update)
        return figures[0].item()

    assert loss(3) == loss(3)
    assert len({loss(update) for update in range(5)}) == 5
    assert loss(3) != loss(3, seed=1)


def test_updates_have_seeds_of_their_own() -> None:
    seeds = {seed_of_update(seed, update) for seed in range(20) for update in range(500)}
    assert len(seeds) > 9_990
    assert seed_of_update(-1, 0) != seed_of_update(1, 0)


def test_bf16_computes_layers_in_bfloat16_and_keeps_weights(batch: tuple[Tensor, Tensor]) -> None:
    images, labels = batch
    layer = nn.Linear(4, 3)
    seen = []

    def net(x: Tensor) -> Tensor:
        scores: Tensor = layer(x)
        seen.append(scores.dtype)
        return scores

    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    step = TrainingStep(net, optimizer, make_loss(), device=CPU, precision="bf16")
    loss, _ = step(images, labels, 0)
    assert seen == [torch.bfloat16]
    assert loss.dtype == layer.weight.dtype == torch.float32


def train_deep(
    images: Tensor, labels: Tensor, *, updates: int = 5, clip: float | None = None, **options: int
) -> tuple[list[Tensor], list[Tensor]]:
    """The weights of a net with two layers and a head after some updates, and the losses and errors
    of these."""
    generator = torch.Generator().manual_seed(1)
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    head = nn.Linear(4, 3)
    parameters = [*net.parameters(), *head.parameters()]
    with torch.no_grad():
        for parameter in parameters:
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    step = make_step(
        lambda x: (net(x), {"side": head(x)}),
        parameters,
        make_loss(0.1),
        (Head("side", 0.3, "a"),),
        clip=clip,
        **options,
    )
    figures = [step(images, labels, update) for update in range(updates)]
    return [parameter.detach() for parameter in parameters], figures


@pytest.mark.parametrize("device_batch", [1, 2, 4, 5, 6, 100])
@pytest.mark.parametrize("clip", [None, 0.5])
def test_parts_of_a_batch_update_as_the_whole(
    batch: tuple[Tensor, Tensor], device_batch: int, clip: float | None
) -> None:
    """Parts of any size, with smoothing and a head, to 1e-6."""
    whole, figures = train_deep(*batch, clip=clip)
    parts, part_figures = train_deep(*batch, clip=clip, device_batch=device_batch)
    for mine, theirs in zip([*whole, *figures], [*parts, *part_figures], strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-6, atol=1e-6)


def test_no_part_has_more_images_than_the_device_takes(batch: tuple[Tensor, Tensor]) -> None:
    seen = []
    layer = nn.Linear(4, 3)

    def net(x: Tensor) -> Tensor:
        seen.append(len(x))
        scores: Tensor = layer(x)
        return scores

    make_step(net, list(layer.parameters()), device_batch=4)(*batch, 0)
    assert seen == [3, 3]


def test_gradients_are_scaled_to_a_common_norm(batch: tuple[Tensor, Tensor]) -> None:
    images, labels = batch
    whole, _ = train_deep(images, labels, updates=0)
    free, _ = train_deep(images, labels, updates=1)
    clipped, _ = train_deep(images, labels, updates=1, clip=0.5)
    steps = [(after - before) / -0.1 for before, after in zip(whole, free, strict=True)]
    norm = torch.cat([step.flatten() for step in steps]).norm()
    assert norm > 0.5
    for before, step, after in zip(whole, steps, clipped, strict=True):
        torch.testing.assert_close(after, before - 0.1 * step * (0.5 / norm))


def test_gradients_below_the_bound_are_left_alone(batch: tuple[Tensor, Tensor]) -> None:
    free, _ = train_deep(*batch)
    bounded, _ = train_deep(*batch, clip=1e6)
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(free, bounded, strict=True))
