"""What tests of several rooms share."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `recordings` and others: test modules are imported by path

from ray_nodes import RayNodes  # noqa: E402
from s3 import Bucket, environment, serve  # noqa: E402


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a file system of a size such as 80k for the time of a test; skips it where that is not allowed."""
    mounted: list[Path] = []

    def mount(size: str) -> Path:
        folder = tmp_path / "disk"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        try:
            done = subprocess.run(command, capture_output=True).returncode == 0
        except OSError:
            done = False
        if not done:
            pytest.skip("mounting needs root")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture(scope="session")
def ray_cluster(s3_server: Bucket) -> Iterator[RayNodes]:
    """Two nodes, for the whole run: they take seconds to start. A test that kills one leaves it to the next."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment(s3_server.endpoint).items():
            patched.setenv(name, value)  # for the processes of the nodes
        nodes = RayNodes()
    yield nodes
    nodes.stop()


@pytest.fixture
def ray_nodes(ray_cluster: RayNodes, bucket: Bucket) -> RayNodes:
    """Two nodes that are both there, and find the bucket."""
    ray_cluster.complete()
    return ray_cluster


@pytest.fixture(scope="session")
def s3_server() -> Iterator[Bucket]:
    """A bucket for the whole run; its server takes seconds to start."""
    server, endpoint = serve()
    yield Bucket(server, endpoint)
    server.stop()


@pytest.fixture
def bucket(s3_server: Bucket, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """A bucket `s3://town`, which all clients of S3 in this process and its children find."""
    import s3fs

    for name, value in environment(s3_server.endpoint).items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    return s3_server
