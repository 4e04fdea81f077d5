"""Simulations of copies of a molecule, and replica exchange.

`openmmscore.simulate` and `openmmscore.replica_exchange` are the commands.
"""

from .dynamics import create_context, simulate
from .pilot import choose_ladder
from .replicas import ReplicaExchange, model_energies
from .run_output import RunOutput

__all__ = [
    "ReplicaExchange",
    "RunOutput",
    "choose_ladder",
    "create_context",
    "model_energies",
    "simulate",
]
