"""Networks from outside, as a user would write them."""

import torch
from torch import nn


def perceptron(shape, classes, hidden=5):
    width = torch.Size(shape).numel()
    return nn.Sequential(nn.Flatten(), nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, classes))


def conv(shape, classes):
    return nn.Sequential(
        nn.Conv2d(shape[0], 4, 3, padding=1),
        nn.GroupNorm(2, 4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, classes),
    )


class Choosy(nn.Module):
    """Looks at its data to decide, which no batch of models can."""

    def __init__(self, shape, classes):
        super().__init__()
        self.head = perceptron(shape, classes)

    def forward(self, x):
        return self.head(x) if x.sum().item() > -1e9 else -self.head(x)


class Touchy(nn.Module):
    """Gives up once its weights are large."""

    def __init__(self, shape, classes):
        super().__init__()
        self.head = perceptron(shape, classes)

    def forward(self, x):
        if self.head[1].weight.abs().max().item() > 1e6:
            raise ValueError("too heavy\nto lift")
        return self.head(x)


class Scaled(nn.Module):
    """Multiplies its logits by a number that it learns."""

    def __init__(self, shape, classes):
        super().__init__()
        self.head = perceptron(shape, classes)
        self.scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, x):
        return self.scale * self.head(x)


def half_frozen(shape, classes):
    net = perceptron(shape, classes)
    net[1].weight.requires_grad_(False)
    return net


def with_a_spare(shape, classes):
    net = perceptron(shape, classes)
    net.spare = nn.Parameter(torch.ones(2))
    return net


def normed(shape, classes):
    return nn.Sequential(nn.Flatten(), nn.BatchNorm1d(torch.Size(shape).numel()), perceptron(shape, classes))


def dropping(shape, classes):
    return nn.Sequential(perceptron(shape, classes), nn.Dropout(0.5))


def empty(shape, classes):
    return nn.Flatten()


def nothing(shape, classes):
    return None


def failing(shape, classes):
    raise KeyError("width")


def wide(shape, classes):
    return perceptron(shape, classes + 1)


class Exacting(nn.Sequential):
    """Computes in double precision, whatever it is given."""

    def forward(self, x):
        return super().forward(x.double()).float()


def in_double_precision(shape, classes):
    return Exacting(nn.Flatten(), nn.Linear(torch.Size(shape).numel(), classes)).double()
