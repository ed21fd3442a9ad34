"""The Aligner on a real port; and `town_job.py`, importable: tests are imported by path here."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from lofivpr.alignment import Job, JobFiles
from lofivpr.serving.aligner import create_aligner
from lofivpr.serving.settings import Settings

sys.path.insert(0, str(Path(__file__).parent))
from town_job import write_job  # noqa: E402


class Served:
    """The Aligner on a free port, in a thread."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        app = create_aligner(job, Settings(port=self.port))
        self.server = uvicorn.Server(uvicorn.Config(app, ws="none", log_config=None, access_log=False))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.listening]}, daemon=True)
        self.thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join()
        self.listening.close()


@pytest.fixture
def files(tmp_path: Path) -> JobFiles:
    return write_job(tmp_path / "job")


@pytest.fixture
def served(files: JobFiles) -> Iterator[Served]:
    one = Served(Job(files))
    yield one
    one.stop()
