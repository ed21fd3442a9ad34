"""The client over links that the kernel shapes: `tc` in a network namespace, for server and client alike."""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lofivpr.models import Describer
from lofivpr.serving import Client
from lofivpr.serving.client import Located

CLONE_NEWNET = 0x40000000
QDISCS = {
    "tbf": "tbf rate {kbps}kbit burst 1600 latency 5s",
    "netem": "netem rate {kbps}kbit delay 30ms 10ms loss 1%",  # also jitter and loss, where the kernel has it
}
See = Callable[..., np.ndarray]


def told(*command: str) -> str | None:
    """What a command complains of, None where it worked."""
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        return str(error)
    return (done.stderr or done.stdout).strip() or "it failed" if done.returncode else None


@pytest.fixture(params=[("tbf", 64), ("netem", 16), ("netem", 64), ("netem", 256)], ids=lambda p: f"{p[0]}-{p[1]}")
def namespace(request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    """A network namespace whose loopback is thin, and its rate in kbit/s."""
    qdisc, kbps = request.param
    name = f"lofivpr-{os.getpid()}"
    if complaint := told("ip", "netns", "add", name):
        pytest.skip(f"a network namespace is not allowed here: {complaint}")
    try:
        assert told("ip", "-n", name, "link", "set", "lo", "mtu", "1500", "up") is None
        shape = QDISCS[qdisc].format(kbps=kbps).split()
        if complaint := told("tc", "-n", name, "qdisc", "add", "dev", "lo", "root", *shape):
            pytest.skip(f"this kernel has no {qdisc}: {complaint}")
        yield name, kbps
    finally:
        told("ip", "netns", "delete", name)


def inside(name: str, job: Callable[[], Any]) -> Any:
    """Run `job` in a namespace: in a thread, which alone enters it, with the threads that it starts."""
    found: list[Any] = []

    def enter() -> None:
        there = os.open(f"/run/netns/{name}", os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(there, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
            found.append(job())
        finally:
            os.close(there)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join(240)
    assert found, "it did not come to an end"
    return found[0]


def test_stills_and_frames(
    namespace: tuple[str, int], calibrated_map: Path, describer: Describer, run_service: Any, see: See
) -> None:
    name, kbps = namespace

    def job() -> tuple[list[Any], int]:
        with run_service(calibrated_map, describer) as service, Client(service.url, latency_s=4.0) as client:
            found: list[Any] = [client.locate(see(place)) for place in (2, 9)]
            with client.stream(newest=False) as stream:
                for place in (4, 11):
                    stream.submit(see(place))
                stream.finish()
                found += list(stream)
            sent = int(Path("/proc/thread-self/net/dev").read_text().partition("lo:")[2].split()[8])
        return found, sent

    found, sent = inside(name, job)
    assert all(isinstance(one, Located) for one in found)
    assert [one.fix.candidates[0].ref for one in found] == [f"{place:02d}-database.png" for place in (2, 9, 4, 11)]
    assert sent > sum(one.n_bytes for one in found), "it went over the thin loopback"
    if kbps == 16:
        assert all(one.quality != "120p/jpeg:90" for one in found)  # 9 kB take 4.5 s
