from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from lofivpr.maps import Map
from lofivpr.models import Describer
from lofivpr.places import Places
from lofivpr.serving import Settings

FAST = Settings(port=0, watch_s=0.05)


def png(image: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(image).save(out, "PNG")
    return out.getvalue()


def add_place(folder: Path, describer: Describer, image: np.ndarray, name: str) -> None:
    Image.fromarray(image).save(folder.parent / "places" / name)
    table = pa.table({"image": [name], "lat": [52.5], "lon": [13.5]})
    Map.open(folder).add(describer, Places.from_table(folder.parent / "places", table))


def ask(socket: Any, packet: Callable[[int, bytes], bytes], number: int, data: bytes) -> dict[str, Any]:
    socket.send(packet(number, data))
    return json.loads(socket.recv(timeout=10))


def test_a_changed_map_is_taken_over_by_an_open_stream(
    own_map: Path, describer: Describer, run_service: Any, make_picture: Any, packet: Any, wait_until: Any
) -> None:
    new = make_picture(77)
    with run_service(own_map, describer, FAST) as service, service.stream() as socket, service.client() as client:
        socket.send('{"codec": "png", "k": 1, "sequence": true}')
        assert json.loads(socket.recv(timeout=10))["places"] == 8
        assert ask(socket, packet, 0, png(new))["fix"]["candidates"][0]["ref"] != "new.png"
        add_place(own_map, describer, new, "new.png")
        wait_until(lambda: client.get("/v1/map").json()["generation"] == 1)
        assert ask(socket, packet, 1, png(new))["fix"]["candidates"][0]["ref"] == "new.png"
        assert client.get("/v1/map").json()["map"]["places"] == 9
        assert service.metric("lofivpr_map_places") == 9


def test_what_cannot_be_opened_is_not_taken_over(
    own_map: Path, describer: Describer, run_service: Any, make_picture: Any, wait_until: Any
) -> None:
    data = png(make_picture(3))
    manifest = own_map / "manifest.json"
    good = manifest.read_bytes()
    with run_service(own_map, describer, FAST) as service, service.client() as client:
        manifest.write_bytes(good[: len(good) // 2])
        wait_until(lambda: service.metric("lofivpr_takeovers_total", result="refused"))
        answer = client.post("/v1/locate?k=1", content=data)
        assert answer.json()["fix"]["candidates"][0]["ref"] == "03.png"
        assert client.get("/readyz").status_code == 200
        manifest.write_bytes(good)
        wait_until(lambda: service.metric("lofivpr_takeovers_total", result="done"))
        assert client.get("/v1/map").json()["generation"] == 1


def test_a_changed_model_is_taken_over(
    own_map: Path, model_folder: Path, tmp_path: Path, run_service: Any, make_picture: Any, wait_until: Any
) -> None:
    """A student beside its teacher's map: its card says whose student it is."""
    import shutil

    from lofivpr.models import create_model, load_describer

    teacher = load_describer(model_folder, threads=1)
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    with run_service(own_map, folder, FAST) as service, service.client() as client:
        assert client.get("/v1/map").json()["model"]["digest"] == teacher.digest
        student = create_model("tiny", size=(96, 64), clusters=4, seed=9)
        student.save(folder, {"teacher": {"digest": teacher.digest, "path": "teacher"}})
        wait_until(lambda: client.get("/v1/map").json()["model"]["digest"] == student.digest)
        assert client.post("/v1/locate", content=png(make_picture(1))).json()["model"] == student.digest
