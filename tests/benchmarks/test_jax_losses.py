"""The losses of the JAX training step against the reference implementation's, sample by sample.

In double the two differ by rounding alone. The published form of the network is the reference's
own, so what is compared with it are the losses; with the affine form, that is too.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

jax = pytest.importorskip("jax")
jnp = jax.numpy
ref = pytest.importorskip("score_reference")

from tests.benchmarks.jax_losses import make_losses  # noqa: E402
from tests.benchmarks.jax_samples import Pairs, Samples  # noqa: E402
from tests.benchmarks.model_file import ModelFile  # noqa: E402
from tests.benchmarks.recipe_file import Classification, read_recipe  # noqa: E402

SAMPLES = 3
NETWORK = ref.Network("graph_transformer", "energy", 4, 2, 2, 3, 3, 3, True, 0.0, 0.1)
CHIGNOLIN = Path(__file__).parent / "chignolin.xml"


@pytest.fixture(autouse=True)
def double_precision() -> Iterator[None]:
    """Which the benchmarks switch off."""
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


@pytest.fixture
def recipe(tmp_path: Path) -> Any:
    """Some recipe, with weights of all losses that are no powers of anything."""
    np.save(tmp_path / "chignolin.npy", np.zeros((2, 10, 3)))
    (tmp_path / "recipe.xml").write_bytes(CHIGNOLIN.read_bytes())
    return replace(
        read_recipe(tmp_path / "recipe.xml"),
        denoising=1.5,
        fokker_planck=0.02,
        classification=Classification(0.7, 0.8, 1e-3),
        t_begin=0.0,
        t_end=0.1,
        middle=0.03,
    )


@pytest.fixture
def samples() -> Samples:
    random = np.random.default_rng(5)
    shape = (SAMPLES, NETWORK.beads, NETWORK.dimensions)
    clean, noise = (jnp.asarray(random.standard_normal(shape)) for _ in range(2))
    probes = jnp.asarray(random.choice([-1.0, 1.0], (SAMPLES, 2, *shape[1:])))
    pairs = Pairs(jnp.asarray([0.02, 0.06, 0.09]), jnp.asarray([0.3, -0.2, 0.0]))
    return Samples(clean, noise, jnp.asarray([0.01, 0.04, 0.08]), probes, pairs)


def expected(parameters: Any, samples: Samples, recipe: Any) -> list[float]:
    """The means of denoising, Fokker-Planck and classification."""
    none = jnp.zeros((NETWORK.beads, 0), int)
    log_q = ref.log_density(NETWORK, parameters, none)
    fixed = (NETWORK, ref.SCHEDULE, recipe.middle, parameters, none)
    sums = np.zeros(3)
    assert samples.probes is not None
    assert samples.pairs is not None
    for k in range(SAMPLES):
        t, (z1, z2) = samples.t[k], samples.probes[k]
        x = ref.SCHEDULE.diffuse(samples.clean[k], samples.noise[k], t)
        right = jnp.exp(log_q(x, t) + samples.pairs.log_odds[k])
        wrong = jnp.exp(log_q(x, samples.pairs.other[k]))
        sums += [
            1.5 * ref.dsm_loss(*fixed, samples.clean[k], samples.noise[k], t),
            0.02 * ref.fp_loss(*fixed, x, t, z1, z2),
            -0.7 * jnp.log(right / (right + wrong)),
        ]
    return list(sums / SAMPLES)


@pytest.mark.parametrize("kind", ["jax", "jax-affine"])
def test_losses_are_those_of_the_reference(kind: str, recipe: Any, samples: Samples) -> None:
    random = np.random.default_rng(1)
    parameters = {
        name: jnp.asarray(random.standard_normal(shape) / np.sqrt(shape[0]))
        for name, shape in ref.parameter_shapes(NETWORK).items()
    }
    model = ModelFile(NETWORK, parameters, scale_nm=1.0, temperature_k=300.0)
    losses = jax.jit(make_losses(kind, model, recipe))(parameters, samples)
    np.testing.assert_allclose(losses, expected(parameters, samples, recipe), rtol=1e-11)
