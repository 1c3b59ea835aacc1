"""Whether the installed torch and torchvision belong together."""

import re
from importlib import metadata

from fedsoft.errors import FedsoftError


def check_pair() -> None:
    """Compare the installed torch with the one that torchvision asks for; reads metadata only.

    Raises:
        FedsoftError: one is missing, or they do not match; the message names the mend.
    """
    try:
        torch, vision = metadata.version("torch"), metadata.version("torchvision")
    except metadata.PackageNotFoundError as error:
        raise FedsoftError(f"{error.name} is not installed; run: pip install torch torchvision.") from None
    wanted = [
        match.group(1)
        for line in metadata.requires("torchvision") or []
        if (match := re.match(r"torch\s*\(?==\s*([\w.]+)", line))
    ]
    if wanted and wanted[0].split("+")[0] != torch.split("+")[0]:
        raise FedsoftError(
            _mend(f"torchvision {vision} was built for torch {wanted[0]}, but torch {torch} is here")
        )


def check_import() -> None:
    """Import both, which finds builds that differ although their versions match.

    Raises:
        FedsoftError: they cannot be imported together; the message names the mend.
    """
    check_pair()
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError, OSError) as error:
        cause = str(error).splitlines()[0]
        raise FedsoftError(_mend(f"torch and torchvision do not work together ({cause})")) from None


def _mend(cause: str) -> str:
    return f"{cause}; run: pip install --force-reinstall torch torchvision."
