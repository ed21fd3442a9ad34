"""A Ray cluster of two nodes on this machine, for tests that really share work out."""

from __future__ import annotations

import os
import time
from typing import Any

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
NODE = {"num_cpus": 1, "object_store_memory": 100 * 2**20, "include_dashboard": False}
CONFIG = {
    "worker_niceness": 0,
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 1000,
    "health_check_failure_threshold": 3,
}
START_S = 200.0


def _patient(look: Any) -> Any:
    """Ray gives a node thirty seconds to show up, which a busy machine exceeds."""

    def look_patiently(*arguments: Any) -> Any:
        deadline = time.monotonic() + START_S
        while True:
            try:
                return look(*arguments)
            except RuntimeError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    return look_patiently


class RayNodes:
    """A head and a second node, each with one CPU."""

    def __init__(self) -> None:
        from ray._private import services
        from ray.cluster_utils import Cluster

        services.get_node = _patient(services.get_node)
        self._cluster: Any = Cluster(initialize_head=True, head_node_args={**NODE, "_system_config": CONFIG})
        self.address = str(self._cluster.address)
        self._second: Any = None
        self.complete()

    @property
    def has_second(self) -> bool:
        return self._second is not None

    def complete(self) -> None:
        """Start the second node where it was killed."""
        if not self.has_second:
            self._second = self._cluster.add_node(**NODE)

    def kill_second(self) -> None:
        """End the second node and all its processes at once."""
        self._cluster.remove_node(self._second, allow_graceful=False)
        self._second = None

    def stop(self) -> None:
        self._cluster.shutdown()
