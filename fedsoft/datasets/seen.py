"""What reading one picture comes to: pixels over white, or why there are none."""

import numpy as np

Told = tuple[str, str]
"""Cause and mend."""


class Unreadable(Exception):  # noqa: N818
    """Why one picture cannot be read, on its way to a `PictureError`: cause and mend."""

    @property
    def told(self) -> Told:
        """Cause and mend."""
        cause, mend = self.args
        return cause, mend


def over_white(pictures: np.ndarray) -> np.ndarray:
    """(…, 4) uint8 RGB and opacity -> (…, 3) RGB over white, rounded."""
    opacity = pictures[..., 3:].astype(np.uint16)
    lit = pictures[..., :3] * opacity + 255 * (255 - opacity)
    return ((lit + 127) // 255).astype(np.uint8)
