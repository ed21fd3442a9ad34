"""Clips by real codecs, a small map with its model, and the service run by uvicorn in a thread."""

from __future__ import annotations

import io
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import httpx
import numpy as np
import pyarrow as pa
import pytest
import websockets.sync.client
from PIL import Image
from websockets.exceptions import ConnectionClosed

from lofivpr.maps import Map
from lofivpr.models import Describer, create_model, load_describer
from lofivpr.places import Places
from lofivpr.quality import Quality
from lofivpr.quality.clip import EncodedClip
from lofivpr.serving import Settings, create_app
from lofivpr.serving.run import listen, make_server
from lofivpr.serving.wire import write_packet

CHANNELS = {"h264": "h264:crf32", "h265": "h265:crf32", "av1": "av1:crf45", "vp9": "vp9:crf40"}
SPOTS = 16  # places of the map, 50 m apart
DEGREES = 50 / 111_320


def picture(seed: int, size: tuple[int, int] = (160, 120)) -> np.ndarray:
    """A smooth picture of one's own for each seed."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)


def moving(count: int, seed: int = 0, size: tuple[int, int] = (160, 120)) -> list[np.ndarray]:
    """A camera that turns: the picture moves by 4 pixels a frame."""
    return [np.roll(picture(seed, size), 4 * number, axis=1) for number in range(count)]


@lru_cache(maxsize=32)
def clip(codec: str, count: int = 10, seed: int = 0, size: tuple[int, int] = (160, 120)) -> EncodedClip:
    """A clip after the channel of `CHANNELS`, one key frame and then others."""
    return Quality.parse(CHANNELS[codec]).encode_clip(moving(count, seed, size), 10)


@pytest.fixture(scope="session")
def make_clip() -> Callable[..., EncodedClip]:
    return clip


@pytest.fixture(scope="session")
def make_picture() -> Callable[..., np.ndarray]:
    return picture


def write_places(root: Path, seeds: range) -> Places:
    """A picture a seed, one every 50 m to the north."""
    root.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        cv2.imwrite(str(root / f"{seed:02d}.png"), picture(seed)[:, :, ::-1])
    table = {
        "image": [f"{seed:02d}.png" for seed in seeds],
        "lat": [52.0 + seed * DEGREES for seed in seeds],
        "lon": [13.0 for _ in seeds],
        "heading_deg": [90.0 if seed % 2 else 270.0 for seed in seeds],
    }
    return Places.from_table(root, pa.table(table))


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    create_model("tiny", size=(96, 64), clusters=4, seed=3).save(folder)
    return folder


@pytest.fixture(scope="session")
def describer(model_folder: Path) -> Describer:
    return load_describer(model_folder, threads=1)


@pytest.fixture(scope="session")
def map_folder(tmp_path_factory: pytest.TempPathFactory, describer: Describer) -> Path:
    """A map of `SPOTS` places, not to be changed."""
    folder = tmp_path_factory.mktemp("maps")
    Map.build(describer, write_places(folder / "places", range(SPOTS)), folder / "town.map")
    return folder / "town.map"


@pytest.fixture
def own_map(tmp_path: Path, describer: Describer) -> Path:
    """A map of half the places, for a test to change."""
    Map.build(describer, write_places(tmp_path / "places", range(SPOTS // 2)), tmp_path / "town.map")
    return tmp_path / "town.map"


@dataclass
class Running:
    """A service that runs: its address, its application, and how to ask it."""

    port: int
    app: Any
    tls: Path | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}"

    def client(self, **options: Any) -> httpx.Client:
        headers = {**self.headers, **options.pop("headers", {})}
        return httpx.Client(base_url=self.url, headers=headers, verify=_context(self.tls), timeout=20, **options)

    def stream(self, **options: Any) -> websockets.sync.client.ClientConnection:
        options.setdefault("additional_headers", self.headers)
        return websockets.sync.client.connect(
            f"{'wss' if self.tls else 'ws'}://localhost:{self.port}/v1/stream",
            ssl=_context(self.tls) if self.tls else None,
            compression=None,
            **options,
        )

    def metric(self, name: str, **labels: str) -> float:
        return self.app.state.service.metrics.registry.get_sample_value(name, labels) or 0.0


def _context(tls: Path | None) -> Any:
    import ssl

    return ssl.create_default_context(cafile=str(tls)) if tls else False


@contextmanager
def running(
    map_path: Path, model: Any, settings: Settings | None = None, tls: Path | None = None, **options: Any
) -> Iterator[Running]:
    """A real server on a free port, stopped at the end; it must stop by itself within seconds."""
    settings = settings or Settings(port=0)
    app = create_app(map_path, model, settings, **options)
    listening = listen(settings)
    server = make_server(app, settings)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    until(lambda: server.started)
    try:
        yield Running(listening.getsockname()[1], app, tls)
    finally:
        server.should_exit = True
        thread.join(15)
        listening.close()
        assert not thread.is_alive(), "the server did not stop"


def until(happened: Callable[[], Any], seconds: float = 10) -> Any:
    """Wait for something to happen in another thread."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = happened()
        if found:
            return found
        time.sleep(0.005)
    raise AssertionError("it did not happen")


@pytest.fixture(scope="session")
def run_service() -> Callable[..., Any]:
    return running


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., Any]:
    return until


@pytest.fixture(scope="module")
def service(map_folder: Path, describer: Describer) -> Iterator[Running]:
    """One service for the tests of a file; limits as they are."""
    with running(map_folder, describer) as one:
        yield one


@pytest.fixture
def raw_socket(service: Running) -> Iterator[socket.socket]:
    """A bare connection to it."""
    with socket.create_connection(("localhost", service.port), timeout=10) as one:
        yield one


@pytest.fixture(scope="session")
def packet() -> Callable[[int, bytes], bytes]:
    return lambda number, data: write_packet(number, 100_000 * number, data)


def hello(stream: Any, **values: Any) -> dict[str, Any]:
    stream.send(json.dumps({"codec": "h264", **values}))
    return json.loads(stream.recv(timeout=10))


def heard(stream: Any) -> dict[str, Any]:
    return json.loads(stream.recv(timeout=10))


def jpeg(image: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(image).save(out, "JPEG", quality=90)
    return out.getvalue()


def closed(stream: Any) -> tuple[int, str]:
    """How a connection ends: code, and the words of the last message."""
    words = ""
    try:
        while True:
            message = json.loads(stream.recv(timeout=10))
            words = message.get("error", words)
    except ConnectionClosed as end:
        assert end.rcvd is not None
        return end.rcvd.code, words


@pytest.fixture(scope="session")
def talk() -> SimpleNamespace:
    """How tests talk to a stream: `hello`, `heard`, `closed`, and a picture as `jpeg`."""
    return SimpleNamespace(hello=hello, heard=heard, closed=closed, jpeg=jpeg)
