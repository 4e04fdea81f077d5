"""Makes OpenMM load this plugin's platforms where it has not done so by itself.

OpenMM loads every library in its own plugin directory, which is where an installed openmmscore has
its own, but not if OPENMM_PLUGIN_DIR names another directory.
"""

from __future__ import annotations

import ctypes
import os
import warnings
from pathlib import Path

import openmm

from .. import _openmmscore

__all__ = ["load_plugins"]


def load_plugins() -> None:
    """Loads what is not loaded yet. A library that cannot be loaded is a RuntimeWarning, since one
    platform's missing driver must not be the end of the others."""
    directory = Path(_openmmscore.libraryDirectory()).resolve() / "plugins"
    for library in sorted(directory.glob("libOpenMMScore*.so")):
        if _is_loaded(library):
            continue
        try:
            openmm.Platform.loadPluginLibrary(str(library))
        except openmm.OpenMMException as error:
            warnings.warn(f"cannot load {library.name}: {error}", RuntimeWarning, stacklevel=3)


def _is_loaded(library: Path) -> bool:
    """Whether this process has the library or one of the same name, which would register the same
    kernels."""
    for name in (str(library), library.name):
        try:
            ctypes.CDLL(name, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
            return True
        except OSError:
            pass
    return any(Path(name).name == library.name for name in openmm.pluginLoadedLibNames)
