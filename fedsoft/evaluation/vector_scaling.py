"""Vector scaling: a weight and a bias for each class's log-probability (Guo et al. 2017)."""

import torch
from torch import Tensor

from fedsoft.evaluation.exchanges import AddUp
from fedsoft.evaluation.predictions import SMALLEST
from fedsoft.evaluation.temperature import with_pseudo

STEPS = 50
HALVINGS = 40
PROMISE = 1e-16
"""Newton's next step is the last where it promises less than this many nats over all examples."""
ROUNDING = 1e-12
"""Relative error of a sum of losses, at most."""


def apply_vector(probs: Tensor, scale: Tensor) -> Tensor:
    """softmax(w log p + b).

    Args:
        probs: (N, C) predictions. Those below 1e-12 count as 1e-12, as in every metric.
        scale: (2, C) weights w, then biases b.

    Returns:
        (N, C) predictions of the same dtype.
    """
    weight, bias = scale.to(probs.device)
    return (weight * _log(probs) + bias).softmax(dim=-1).to(probs.dtype)


def fit_vector(probs: Tensor, reference: Tensor, pseudo: float, l2: float) -> Tensor:
    """The scale of least negative log-likelihood over examples and pseudo-examples, by L-BFGS.

    Args:
        probs: (N, C) predictions, N > 0.
        reference: (N, C) rows on the simplex.
        pseudo: number of pseudo-examples over all N, for which the prediction itself is true.
        l2: weight in nats of the squared distance from the identity (w = 1, b = 0). Without it and
            ``pseudo`` there may be no minimum, and it stops on its way.

    Returns:
        (2, C) weights, then biases.
    """
    logits, examples = _log(probs), len(probs)
    target = with_pseudo(reference.double(), logits.softmax(dim=-1), examples, pseudo)
    l2 = l2 / (examples + pseudo)
    weight = torch.ones_like(logits[0], requires_grad=True)
    bias = torch.zeros_like(weight, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weight, bias], max_iter=500, tolerance_grad=1e-9, tolerance_change=1e-14,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def loss() -> Tensor:
        optimizer.zero_grad()
        nll = -(target * (weight * logits + bias).log_softmax(dim=-1)).sum(dim=-1).mean()
        total: Tensor = nll + l2 * ((weight - 1).square().sum() + bias.square().sum())
        total.backward()
        return total

    with torch.enable_grad():
        optimizer.step(loss)
    return torch.stack([weight.detach(), bias.detach()])


def vector_sums(probs: Tensor, reference: Tensor, scale: Tensor) -> Tensor:
    """What a client tells of its examples, so that a scale can be fitted to those of all.

    Args:
        probs: (N, C) predictions; N may be 0.
        reference: (N, C) rows on the simplex.
        scale: (2, C) weights, then biases.

    Returns:
        (2 + 2C + C(2C + 1),) sums over examples: 1, their negative log-likelihood, its gradient (2C) and the
        upper triangle of its Hessian (2C, 2C), weights before biases.
    """
    logits = _log(probs)
    weight, bias = scale
    scaled = weight * logits + bias
    p, seen = scaled.softmax(dim=-1), reference.double()
    gradient = torch.cat([((p - seen) * logits).sum(dim=0), (p - seen).sum(dim=0)])
    along = torch.cat([p * logits, p], dim=-1)
    ww, wb, bb = ((p * power).sum(dim=0).diag() for power in (logits.square(), logits, torch.ones_like(p)))
    hessian = torch.cat([torch.cat([ww, wb], dim=1), torch.cat([wb, bb], dim=1)]) - along.T @ along
    loss = (scaled.logsumexp(dim=-1) - (seen * scaled).sum(dim=-1)).sum()
    count = loss.new_tensor(len(probs))
    return torch.cat([torch.stack([count, loss]), gradient, hessian[_upper(len(gradient))]])


def solve_vector(add_up: AddUp, classes: int, pseudo: float, l2: float) -> Tensor:
    """The minimum that `fit_vector` seeks, from `vector_sums` alone, by Newton's method.

    The gradient of pseudo-examples is zero at the identity, where predictions are true for them, and differs
    from the examples' by the same amount everywhere. So of them nothing is asked but the examples' gradient
    at the identity.

    Args:
        add_up: scale (2, C) to the sums over all examples, of which there are some.
        classes: C.
        pseudo: number of pseudo-examples over all of them.
        l2: weight of the squared distance from the identity.

    Returns:
        (2, C) weights, then biases.
    """
    identity = torch.cat([torch.ones(classes), torch.zeros(classes)]).double()
    size, upper = 2 * classes, _upper(2 * classes)
    here, told = identity, add_up(identity.view(2, classes))
    share, at_identity = pseudo / told[0], told[2 : 2 + size]

    def loss(scale: Tensor, told: Tensor) -> Tensor:
        total: Tensor = (1 + share) * told[1] - share * (at_identity @ scale)
        return total + l2 * (scale - identity).square().sum()

    for _ in range(STEPS):
        gradient = (1 + share) * told[2 : 2 + size] - share * at_identity + 2 * l2 * (here - identity)
        hessian = torch.zeros(size, size, dtype=torch.float64)
        hessian[upper] = (1 + share) * told[2 + size :]
        hessian = hessian + hessian.triu(1).T + 2 * l2 * torch.eye(size, dtype=torch.float64)
        step = -torch.linalg.pinv(hessian, hermitian=True) @ gradient  # biases may all shift alike
        promise = -(gradient @ step)
        if promise < PROMISE:
            return (here + step).view(2, classes)
        now = loss(here, told)
        length = 1.0
        for _ in range(HALVINGS):
            there = here + length * step
            told = add_up(there.view(2, classes))
            if loss(there, told) <= now - 1e-4 * length * promise + ROUNDING * (1 + now.abs()):
                break
            length /= 2
        here = there
    return here.view(2, classes)


def _upper(size: int) -> tuple[Tensor, Tensor]:
    """Rows and columns of the upper triangle of a (size, size) matrix."""
    rows, columns = torch.triu_indices(size, size)
    return rows, columns


def _log(probs: Tensor) -> Tensor:
    return probs.double().clamp_min(SMALLEST).log()
