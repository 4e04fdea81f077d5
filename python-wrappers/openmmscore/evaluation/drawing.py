"""What of Matplotlib draws into files, whatever backend the environment asks for: a notebook's
kernel hands its own on to the programs that it starts, which do not have it."""

from __future__ import annotations

import os

_BACKEND = os.environ.pop("MPLBACKEND", None)
try:
    from matplotlib import rc_context
    from matplotlib.figure import Figure
except ImportError as error:
    raise ImportError(
        f"{error}: {__name__} needs openmm-score[examples]", name=error.name
    ) from error
finally:
    if _BACKEND is not None:
        os.environ["MPLBACKEND"] = _BACKEND

__all__ = ["Figure", "rc_context"]
