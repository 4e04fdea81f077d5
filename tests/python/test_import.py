"""Importing openmmscore makes its platforms available, once, wherever OpenMM looks for plugins."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import openmm
import openmmscore
import pytest
from openmmscore import _openmmscore

OURS = Path(_openmmscore.libraryDirectory()).resolve() / "plugins"
OPENMMS = Path(openmm.version.openmm_library_path).resolve() / "plugins"

USE_ALL = """
for name in "Reference", "CPU":
    platform = openmm.Platform.getPlatformByName(name)
    system, topology, positions = openmmscore.create_system({model!r})
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)
    context.setPositions(positions)
    assert abs(context.getState(energy=True).getPotentialEnergy()._value) < 1e6
"""
REFUSE = """
def refuse(file):
    raise AssertionError(f"{file} is loaded a second time")
openmm.Platform.loadPluginLibrary = refuse
"""


def python(code, **environment):
    """Runs code in a fresh interpreter, where warnings are errors."""
    path = os.pathsep.join([str(Path(openmmscore.__file__).parents[1]), *sys.path])
    result = subprocess.run(
        [sys.executable, "-W", "error", "-W", "default::DeprecationWarning", "-c", code],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_plugins_are_loaded_where_openmm_has_not(model_file, tmp_path):
    for plugin in OPENMMS.iterdir():
        if not plugin.name.startswith("libOpenMMScore"):
            (tmp_path / plugin.name).symlink_to(plugin)
    code = "import openmm, openmmscore" + USE_ALL.format(model=str(model_file))
    python(code, OPENMM_PLUGIN_DIR=str(tmp_path))


def test_plugins_are_not_loaded_where_openmm_has(model_file):
    directories = os.pathsep.join(sorted({str(OPENMMS), str(OURS)}))
    code = "import openmm" + REFUSE + "import openmmscore" + USE_ALL.format(model=str(model_file))
    python(code, OPENMM_PLUGIN_DIR=directories)


def test_plugins_are_not_loaded_where_a_program_has(model_file, tmp_path):
    load = "".join(
        f"\nopenmm.Platform.loadPluginLibrary({str(plugin)!r})"
        for plugin in OURS.glob("libOpenMMScore*.so")
    )
    for plugin in OPENMMS.iterdir():
        if not plugin.name.startswith("libOpenMMScore"):
            (tmp_path / plugin.name).symlink_to(plugin)
    code = f"import openmm{load}{REFUSE}import openmmscore" + USE_ALL.format(model=str(model_file))
    python(code, OPENMM_PLUGIN_DIR=str(tmp_path))


def test_a_plugin_that_cannot_be_loaded_is_a_warning(tmp_path):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "libOpenMMScoreBroken.so").write_text("not a library")
    code = f"""
import warnings
import openmmscore
from openmmscore import _openmmscore
from openmmscore.model import plugins
_openmmscore.libraryDirectory = lambda: {str(tmp_path)!r}
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    plugins.load_plugins()
assert len(caught) == 1 and "libOpenMMScoreBroken.so" in str(caught[0].message), caught
"""
    python(code)


def test_the_order_of_imports_does_not_matter():
    python("import openmmscore, openmm")
    python("import openmm, openmmscore")


@pytest.mark.parametrize(
    ("module", "missing"),
    [
        ("evaluation.analysis", "mdtraj"),
        ("evaluation.analysis", "scipy"),
        ("io.hdf5_frames", "h5py"),
        ("io.hdf5_frames", "mdtraj"),
    ],
)
def test_a_module_that_needs_more_says_how_to_install_it(module, missing):
    code = f"""
import sys
sys.modules[{missing!r}] = None
try:
    import openmmscore.{module}
except ImportError as error:
    assert {missing!r} in str(error) and "openmm-score[data]" in str(error), error
else:
    raise AssertionError("no error")
"""
    python(code)


def test_the_stub_names_what_the_module_has():
    stub = Path(openmmscore.__file__).with_name("_openmmscore.pyi").read_text()
    functions = {node.name for node in ast.parse(stub).body if isinstance(node, ast.FunctionDef)}
    missing = {name for name in functions if not hasattr(_openmmscore, name)}
    assert not missing
    wrapped = {
        name for name in dir(_openmmscore) if name.startswith(("ScoreForce_", "ScoreModel_"))
    }
    assert {name for name in wrapped if "swig" not in name} <= functions


def test_the_package_is_typed():
    assert Path(openmmscore.__file__).with_name("py.typed").exists()
