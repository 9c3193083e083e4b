"""A generator as a program of torch.export's or ONNX's, which needs none of this project's code."""

from __future__ import annotations

import io
import logging
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import torch
import torch.fx.experimental._config as tracing
from torch import Tensor, nn

from gan_lightning.errors import UserError
from gan_lightning.export import sample, translate
from gan_lightning.generate.translating import LEAST

Inputs: TypeAlias = tuple[Tensor, ...]
"""The inputs of a generator: latents [B Z] and, if it takes labels, labels [B]; or images [B C H W]."""
BATCH = torch.export.Dim("batch", min=1)


class Interface(NamedTuple):
    """What a program takes and gives, and the script that uses it."""

    inputs: tuple[str, ...]
    """Names of the inputs in ONNX."""
    output: str
    """Name of the output in ONNX."""
    dynamic: tuple[Mapping[int, Any], ...]
    """For each input the dimensions whose length is free."""
    script: Path
    """Python file that is written beside ``generator.pt2``."""


def drawing(inputs: Inputs) -> Interface:
    """The interface of a generator that draws from latents, and takes labels too if there are two inputs."""
    return Interface(("z", "y")[: len(inputs)], "images", ({0: BATCH},) * len(inputs), Path(sample.__file__))


def translating(multiple: int) -> Interface:
    """The interface of a generator from images to images whose sides are multiples of ``multiple``."""
    least = -(-LEAST // multiple)
    height, width = (torch.export.Dim(name, min=least, max=2**14) for name in ("height", "width"))
    if multiple > 1:
        height, width = multiple * height, multiple * width
    dynamic = {0: BATCH, 2: height, 3: width}
    return Interface(("images",), "translated", (dynamic,), Path(translate.__file__))


class Unlabelled(nn.Module):
    """A generator as a function of latents alone, or of images."""

    def __init__(self, generator: nn.Module) -> None:
        """Take a generator in evaluation mode."""
        super().__init__()
        self.generator = generator
        self.eval()

    def forward(self, z: Tensor) -> Tensor:
        """Images [B C H W] of latents [B Z] or of images."""
        images: Tensor = self.generator(z)
        return images


class Labelled(nn.Module):
    """A generator as a function of latents and labels."""

    def __init__(self, generator: nn.Module) -> None:
        """Take a generator in evaluation mode."""
        super().__init__()
        self.generator = generator
        self.eval()

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Images [B C H W] of latents [B Z] and labels [B]."""
        images: Tensor = self.generator(z, y)
        return images


def write_torch(generator: nn.Module, inputs: Inputs, interface: Interface, folder: Path) -> Callable[..., Tensor]:
    """Write ``generator.pt2`` for batches of any size, with a script that uses it.

    Returns:
        The program, read back from the file.

    Raises:
        UserError: If torch can't trace the network.
    """
    torch.export.save(traced(generator, inputs, interface), folder / "generator.pt2")
    shutil.copyfile(interface.script, folder / interface.script.name)
    loaded: Callable[..., Tensor] = torch.export.load(folder / "generator.pt2").module()
    return loaded


def write_onnx(generator: nn.Module, inputs: Inputs, interface: Interface, folder: Path) -> Callable[..., Tensor]:
    """Write ``generator.onnx`` for batches of any size.

    Returns:
        The program, read back from the file by onnxruntime.

    Raises:
        UserError: If the packages for ONNX are not installed, if torch can't trace the network, or if ONNX lacks one
            of its operations.
    """
    try:
        import onnxruntime
        import onnxscript  # noqa: F401  # torch.onnx needs it, and its own message is long
    except ImportError as error:
        raise UserError("formats=[onnx] needs more packages: pip install 'gan-lightning[export]'.") from error
    path = folder / "generator.onnx"
    names = interface.inputs
    graph = traced(generator, inputs, interface)
    try:
        with _quietly():
            program = torch.onnx.export(
                graph, dynamo=True, input_names=names, output_names=[interface.output], verbose=False
            )
    except Exception as error:  # the exporter raises many types; the reason is in the text of the first in the chain
        raise UserError(
            f"formats=[onnx]: {type(generator).__name__} has no form in ONNX ({_reason(error)})."
        ) from error
    assert program is not None
    program.save(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def run(*inputs: Tensor) -> Tensor:
        arrays = {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
        return torch.from_numpy(session.run(None, arrays)[0])

    return run


FORMATS: Mapping[str, Callable[[nn.Module, Inputs, Interface, Path], Callable[..., Tensor]]] = {
    "torch": write_torch,
    "onnx": write_onnx,
}
"""Functions by the name of the format: each writes a file and returns the program, read back from the disk."""


@torch.no_grad()
def largest_difference(one: Callable[..., Tensor], other: Callable[..., Tensor], batches: Sequence[Inputs]) -> float:
    """The largest difference of a pixel in [-1, 1] between two programs, over batches of inputs."""
    return max(float((one(*inputs) - other(*inputs)).abs().max()) for inputs in batches)


def one_by_one(generator: nn.Module) -> Callable[..., Tensor]:
    """The same generator, but drawing every batch as batches of one image."""

    def draw(*inputs: Tensor) -> Tensor:
        return torch.cat([generator(*(each[i : i + 1] for each in inputs)) for i in range(len(inputs[0]))])

    return draw


def traced(generator: nn.Module, inputs: Inputs, interface: Interface) -> torch.export.ExportedProgram:
    """A generator's operations, traced by torch for batches of any size.

    Raises:
        UserError: If they can't be traced, for example because they depend on the values of the inputs.
    """
    function = (Labelled if len(inputs) == 2 else Unlabelled)(generator)
    try:
        # or torch would take for granted that no map has a side of one pixel, which the smallest of a U-Net may have
        with _quietly(), tracing.patch(backed_size_oblivious=True):  # type: ignore[attr-defined]  # torch adds it late
            return torch.export.export(function, inputs, dynamic_shapes=interface.dynamic)
    except Exception as error:  # torch raises a dozen types; the reason is in the text of the first in the chain
        raise UserError(
            f"{type(generator).__name__} can't be traced ({_reason(error)}). Its weights can be exported: formats=[]."
        ) from error


@contextmanager
def _quietly() -> Iterator[None]:
    """Hide torch's messages about its own tracing, which are of no use to users; exceptions still say what matters."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _reason(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error).strip() or type(error).__name__).splitlines()[0]
