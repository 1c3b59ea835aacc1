"""A model from outside: any `torch.nn.Module` that a function of the user's builds."""

import hashlib
import importlib
import importlib.util
import inspect
import logging
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.func import functional_call, vmap

from fedsoft.training.losses import Objective
from fedsoft.training.model import MODELS, Model, Parameters, as_batch

logger = logging.getLogger("fedsoft")

_given: dict[str, str] = {}
"""Text of files that are elsewhere, by path."""

_skeletons: dict[tuple[str, tuple[tuple[int, ...], ...]], nn.Module] = {}
"""Modules whose parameters are put in anew at each use, by the model's label and its parameters' shapes."""

_one_by_one: set[str] = set()
"""Labels of models that `vmap` cannot run."""


def give_files(files: Mapping[str, str]) -> None:
    """Have this process build modules from files that it was sent, whether or not they are here."""
    _given.update(files)


@MODELS("module")
class Module(Model):
    """A `torch.nn.Module`, built by a function ``factory(shape, classes, **options)``.

    ``shape`` is that of one input (features, or channels × H × W); the module maps inputs (B, …) to logits
    (B, classes). Several clients are trained at once by `torch.func.vmap`, or where it cannot run the module,
    one at a time. Parameters that need no gradient are the module's own business: they are neither trained
    nor sent, and must be the same each time it is built.
    """

    factory: str = Field(
        description="`package.module:function`, or `file.py:function`; a relative path starts at the current "
        "folder"
    )
    options: dict[str, Any] = Field({}, description="keyword arguments of the function")
    content: str = Field("", description="hash of the function's source file, found by itself")

    @model_validator(mode="after")
    def _known(self) -> Self:
        content = hashlib.sha256(Path(_function(self.factory)[1]).read_bytes()).hexdigest()[:16]
        if self.content not in ("", content):
            raise ValueError(f"the file of {self.factory!r} has changed since; run the study anew")
        object.__setattr__(self, "content", content)
        return self

    def __hash__(self) -> int:
        return hash(self.label())

    def files(self) -> dict[str, str]:
        """The function's file, where it is given as one."""
        place = self.factory.partition(":")[0]
        return {place: Path(place).read_text()} if place.endswith(".py") else {}

    def shapes(self, inputs: tuple[int, ...], classes: int) -> dict[str, tuple[int, ...]]:
        """Shapes of the parameters that are trained.

        Raises:
            ValueError: the function does not build a module that can be trained here.
        """
        module = self._built(inputs, classes, 0)
        shapes = {name: tuple(value.shape) for name, value in _trained(module).items()}
        key = self.label(), tuple(shapes.values())
        if key not in _skeletons:
            self._check(module, inputs, classes)
            _skeletons[key] = module
        return shapes

    def initial(
        self, inputs: tuple[int, ...], classes: int, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Initial parameters, as the module draws them, float32."""
        self.shapes(inputs, classes)
        module = self._built(inputs, classes, int(rng.integers(2**63)))
        return {name: value.detach().float().numpy() for name, value in _trained(module).items()}

    def forward(self, parameters: Mapping[str, Tensor], x: Tensor) -> Tensor:
        """Parameters (K, …), inputs (K, B, …) -> logits (K, B, C)."""
        module = self._skeleton(parameters, x.device)

        def one(own: Mapping[str, Tensor], batch: Tensor) -> Tensor:
            logits: Tensor = functional_call(module, dict(own), (as_batch(batch),))
            return logits

        if len(x) > 1 and self.label() not in _one_by_one:
            try:
                stacked: Tensor = vmap(one)(dict(parameters), x)
                return stacked
            except RuntimeError as error:
                self._give_up_stacking(error)
        alone = [one({name: value[k] for name, value in parameters.items()}, x[k]) for k in range(len(x))]
        return torch.stack(alone)

    def example_gradients(
        self, parameters: Mapping[str, Tensor], x: Tensor, targets: Tensor, loss: Objective
    ) -> tuple[Parameters, Tensor]:
        """As in the base class; example by example where `vmap` cannot run the module."""
        self._skeleton(parameters, x.device)
        if self.label() not in _one_by_one:
            try:
                return super().example_gradients(parameters, x, targets, loss)
            except RuntimeError as error:
                self._give_up_stacking(error)
        one = x.new_ones(1, 1, dtype=torch.float32)
        found = [
            [
                self.gradients(
                    {name: value[k : k + 1] for name, value in parameters.items()},
                    x[k : k + 1, b : b + 1],
                    targets[k : k + 1, b : b + 1],
                    one,
                    loss,
                )
                for b in range(x.shape[1])
            ]
            for k in range(len(x))
        ]
        gradients = {
            name: torch.stack([torch.cat([each[0][name] for each in batch]) for batch in found])
            for name in parameters
        }
        return gradients, torch.stack([torch.cat([each[1] for each in batch]) for batch in found])

    def _give_up_stacking(self, error: RuntimeError) -> None:
        """From now on, clients train one at a time."""
        _one_by_one.add(self.label())
        why = str(error).partition("\n")[0]
        logger.warning("%s trains one client at a time: %s", self.label(), why)

    def _skeleton(self, parameters: Mapping[str, Tensor], device: torch.device) -> nn.Module:
        """The module for parameters (K, …) of these shapes, on a device."""
        module = _skeletons[self.label(), tuple(tuple(value.shape[1:]) for value in parameters.values())]
        if (
            next(module.parameters()).device != device
        ):  # inside a transform, parameters must stay what they are
            module.to(device)
        return module

    def _built(self, inputs: tuple[int, ...], classes: int, seed: int) -> nn.Module:
        """The module, its own randomness seeded, in training mode."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)  # modules draw from it alone, and it is put back
            try:
                module = _function(self.factory)[0](inputs, classes, **self.options)
            except Exception as error:
                raise ValueError(
                    f"{self.factory!r} failed for inputs {inputs} and {classes} classes: {error}"
                ) from None
        if not isinstance(module, nn.Module):
            raise ValueError(f"{self.factory!r} gave a {type(module).__name__}, not a torch.nn.Module")
        return module

    def _check(self, module: nn.Module, inputs: tuple[int, ...], classes: int) -> None:
        if not _trained(module):
            raise ValueError(f"the module of {self.factory!r} has no parameter to train")
        for name, part in module.named_modules():
            where = f"{name!r} of {self.factory!r} ({type(part).__name__})"
            if list(part.buffers(recurse=False)):
                raise ValueError(
                    f"{where} keeps buffers, which clients would have to share; use GroupNorm or LayerNorm"
                )
            if isinstance(part, nn.modules.dropout._DropoutNd) and part.p:
                raise ValueError(
                    f"{where} draws at random, which no run could repeat; leave it out, or p = 0"
                )
        exact = {name: value.detach().float() for name, value in _trained(module).items()}  # as in a run
        try:
            shape = tuple(functional_call(module, exact, (torch.zeros(2, *inputs),)).shape)
        except Exception as error:
            raise ValueError(
                f"the module of {self.factory!r} fails on inputs {(2, *inputs)} in float32: {error}"
            ) from None
        if shape != (2, classes):
            raise ValueError(f"the module of {self.factory!r} gives {shape} for (2, {classes}) logits")


def _trained(module: nn.Module) -> dict[str, nn.Parameter]:
    return {name: value for name, value in module.named_parameters() if value.requires_grad}


@lru_cache(maxsize=16)
def _function(factory: str) -> tuple[Callable[..., Any], str]:
    """The function that ``place:name`` names, and its source file."""
    place, colon, name = factory.partition(":")
    if not colon or not name:
        raise ValueError(f"{factory!r} names no function; write package.module:function or file.py:function")
    try:
        if place in _given:
            found = ModuleType(f"fedsoft_user_{Path(place).stem}")
            exec(compile(_given[place], place, "exec"), found.__dict__)
            return getattr(found, name), place
        if place.endswith(".py"):
            path = Path(place).resolve()
            spec = importlib.util.spec_from_file_location(f"fedsoft_user_{path.stem}", path)
            if spec is None or spec.loader is None or not path.exists():
                raise ImportError(f"{path} does not exist; a relative path starts at the current folder")
            found = sys.modules.setdefault(spec.name, importlib.util.module_from_spec(spec))
            spec.loader.exec_module(found)
        else:
            found = importlib.import_module(place)
        function = getattr(found, name)
    except (ImportError, SyntaxError) as error:
        raise ValueError(f"{place!r} cannot be imported: {error}") from None
    except AttributeError:
        raise ValueError(f"{place!r} has no function {name!r}") from None
    return function, inspect.getsourcefile(function) or str(found.__file__)
