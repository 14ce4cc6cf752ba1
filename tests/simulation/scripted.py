"""
A cluster in memory whose name server runs scripts.
"""

from __future__ import annotations

from attrs import evolve

from dfs.sim.cluster import Cluster
from tests.simulation.machine import Machine


class ScriptedCluster(Cluster):
    """
    It has a machine for them.

    @ivar machine: runs scripts for the name server.
    """

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.machine = Machine(self.clock)
        self.nm_settings = evolve(self.nm_settings, sandbox=self.machine.sandbox())
        self.start_all(*names)
