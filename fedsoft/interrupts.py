"""What Ctrl-C does to a command, and a batch system that asks it to end."""

import contextlib
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import typer
from typer.core import TyperGroup


class InterruptibleCommands(TyperGroup):
    """Commands; whichever of them Ctrl-C ends, how to go on is said."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo(f"\nStopped. {how_to_go_on()}", err=True)
            raise typer.Exit(130) from None


def how_to_go_on() -> str:
    """The command line that continues what was stopped, as a sentence."""
    return f"Continue with:\n  {shlex.join(['fedsoft', *sys.argv[1:]])}"


@contextlib.contextmanager
def stop_on_interrupt() -> Iterator[Callable[[], bool]]:
    """A function that says whether Ctrl-C was pressed, or a batch system asked the program to end.

    A second time ends it at once, as the first does outside.
    """
    pressed = False

    def press(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    before = {asked: signal.signal(asked, press) for asked in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: pressed
    finally:
        for asked, handler in before.items():
            signal.signal(asked, handler)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Imports that Ctrl-C ends when they are done: within one, a library might catch it, and lose it."""
    with stop_on_interrupt() as pressed:
        yield
    if pressed():
        raise KeyboardInterrupt
