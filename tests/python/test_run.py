"""openmmscore.sampling.run.Run, what simulations and replica exchange share."""

import gc
import weakref
from collections.abc import Iterator

import pytest
from openmmscore.sampling import ReplicaExchange, create_context, simulate


@pytest.fixture
def without_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def test_no_context_outlives_its_run(model, without_collector):
    """A Context has threads, which a forked process has not: it must not be for its garbage
    collector to end them there."""
    context = create_context(model, 2, threads=1)
    simulate(context, model, 1, interval=5)
    states = [{"ScoreForceScale": scale} for scale in (1.0, 0.9)]
    exchange = ReplicaExchange.from_model(model, states, 2, steps=5)
    exchange.run(0.01)
    gone = weakref.ref(context), weakref.ref(exchange)
    del context, exchange
    assert [each() for each in gone] == [None, None]
