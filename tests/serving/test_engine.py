from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lofivpr.maps import Map
from lofivpr.quality import Quality
from lofivpr.serving.engine import Engine, Query
from lofivpr.serving.seen import Seen
from lofivpr.serving.wire import Where


def test_a_torch_model_is_asked_by_one_thread_at_a_time(map_folder: Path) -> None:
    town, here, most = Map.open(map_folder), [0], [0]

    class Slow:
        digest, name = town.model_digest, "slow"

        def describe(self, images: Sequence[np.ndarray], quality: Sequence[Quality | None] | None = None) -> np.ndarray:
            here[0] += 1
            most[0] = max(most[0], here[0])
            time.sleep(0.05)
            here[0] -= 1
            return np.full((len(images), town.dimension), town.dimension**-0.5, np.float32)

    slow = Slow()
    engine = Engine(town, slow)  # type: ignore[arg-type]
    picture = np.zeros((64, 96, 3), np.uint8)
    query = Query(lambda: (picture, Seen(None, 96, 64, 0, None)), Where(), 3)
    threads = [threading.Thread(target=engine.work, args=([query],)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
