from __future__ import annotations

import io
import socket
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lofivpr.maps import Fix, Map
from lofivpr.models import Describer
from lofivpr.quality import Quality
from lofivpr.serving import Limits, Settings
from lofivpr.serving.packets import DecodeLimits

Make = Callable[..., np.ndarray]
DESCRIPTOR = "application/vnd.lofivpr.descriptor"


def as_file(image: np.ndarray, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(image).save(out, kind, **options)
    return out.getvalue()


def problem_of(answer: Any, status: int) -> str:
    """The words of a problem, of which the whole form is checked."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) == {"type", "title", "status", "detail"} and body["status"] == status
    assert body["detail"] and "Traceback" not in answer.text
    return body["detail"]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF", "BMP"])
def test_a_picture_is_found(
    kind: str, service: Any, make_picture: Make, map_folder: Path, describer: Describer
) -> None:
    """The answer is that of the map itself for the picture as it was decoded."""
    data = as_file(make_picture(5), kind)
    with service.client() as client:
        answer = client.post("/v1/locate?k=3", content=data, headers={"content-type": f"image/{kind.lower()}"})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    decoded = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    expected = Map.open(map_folder).locate(describer, decoded, k=3)
    found = Fix.from_dict(body["fix"])
    assert found.best is not None and found.best.ref == "05.png" and len(found.candidates) == 3
    assert [one.ref for one in found.candidates] == [one.ref for one in expected.candidates]
    assert found.lat == pytest.approx(expected.lat) and found.answered
    assert Quality.parse(body["seen"].pop("quality")).height == 120
    assert body["seen"] == {
        "codec": kind.lower(),
        "width": 160,
        "height": 120,
        "bytes": len(data),
        "bits_per_pixel": pytest.approx(8 * len(data) / (160 * 120), abs=1e-5),
    }
    assert body["model"] == describer.digest
    assert set(body["server_ms"]) == {"decode", "wait", "describe", "search"}
    assert all(value >= 0 for value in body["server_ms"].values()) and body["server_ms"]["describe"] > 0


@pytest.mark.parametrize("codec", ["h264", "h265", "av1", "vp9"])
def test_a_packet_of_video_is_found(codec: str, service: Any, make_picture: Make) -> None:
    setting = {"h264": "qp20", "h265": "qp20", "av1": "crf20", "vp9": "crf20"}[codec]
    data = Quality.parse(f"{codec}:{setting}").encode(make_picture(7)).data
    with service.client() as client:
        answer = client.post("/v1/locate", content=data, headers={"content-type": f"video/{codec}"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["fix"]["candidates"][0]["ref"] == "07.png"
        assert answer.json()["seen"]["codec"] == codec
        odd = Quality.parse(f"{codec}:{setting}").encode(make_picture(7, (81, 61))).data
        answer = client.post("/v1/locate?size=81x61", content=odd, headers={"content-type": f"video/{codec}"})
        assert (answer.json()["seen"]["width"], answer.json()["seen"]["height"]) == (81, 61)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_descriptor_is_found(dtype: str, service: Any, make_picture: Make, describer: Describer) -> None:
    data = describer.describe([make_picture(3)], [None])[0].astype(f"<{np.dtype(dtype).str[1:]}").tobytes()
    with service.client(headers={"content-type": DESCRIPTOR}) as client:
        answer = client.post(f"/v1/locate?model={describer.digest}&dtype={dtype}", content=data)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body["fix"]["candidates"][0]["ref"] == "03.png"
        nothing = dict.fromkeys(("codec", "width", "height", "bits_per_pixel", "quality"))
        assert body["seen"] == {**nothing, "bytes": len(data)}
        other = client.post(f"/v1/locate?model={'0' * 16}&dtype={dtype}", content=data)
        assert describer.digest in problem_of(other, 409)
        assert "found none" in problem_of(client.post("/v1/locate", content=data), 409)
        short = client.post(f"/v1/locate?model={describer.digest}&dtype={dtype}", content=data[:-2])
        assert "bytes" in problem_of(short, 422)


def test_what_the_client_knows_narrows_the_search(service: Any, make_picture: Make) -> None:
    """Place 5 is 250 m north of place 0, and looks east as all odd ones do."""
    data = as_file(make_picture(5))
    with service.client() as client:
        near = client.post("/v1/locate?k=20&near=52.0,13.0&radius_m=120", content=data).json()
        assert {one["ref"] for one in near["fix"]["candidates"]} == {"00.png", "01.png", "02.png"}
        west = client.post("/v1/locate?k=20&heading=270", content=data).json()
        assert {int(one["ref"][:2]) % 2 for one in west["fix"]["candidates"]} == {0}
        nowhere = client.post("/v1/locate?near=-10.5,20&radius_m=5", content=data).json()
        assert nowhere["fix"]["candidates"] == [] and not nowhere["fix"]["answered"] and nowhere["fix"]["reason"]


@pytest.mark.parametrize(
    ("query", "kind", "body", "status", "told"),
    [
        ("", "image/jpeg", b"", 422, "found none"),
        ("", "image/jpeg", b"no picture", 422, "expected a picture as JPEG"),
        (
            "",
            "application/octet-stream",
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
            422,
            "expected a picture",
        ),
        ("", "image/gif", b"GIF89a" + bytes(30), 422, "expected a picture"),
        ("", "text/html", b"<p>", 415, "expected a Content-Type"),
        ("", "video/h264", bytes(50), 422, "Annex B"),
        ("", "video/h264", b"\0\0\0\1\x67" + bytes(50), 422, "without a picture"),
        ("", "video/vp9", b"\x82\x49\x83\x42" + bytes(50), 422, "cannot be decoded"),
        ("?quality=best", "image/png", b"x", 422, "expected a quality"),
        ("?k=0", "image/png", b"x", 422, "k"),
        ("?k=101", "image/png", b"x", 422, "at most 100"),
        ("?near=52,13", "image/png", b"x", 422, "together"),
        ("?near=here&radius_m=5", "image/png", b"x", 422, "near"),
        ("?near=1,2&radius_m=nan", "image/png", b"x", 422, "radius_m"),
        ("?size=0x0", "video/h264", b"x", 422, "size"),
    ],
)
def test_what_cannot_be_used_is_told(query: str, kind: str, body: bytes, status: int, told: str, service: Any) -> None:
    with service.client() as client:
        answer = client.post(f"/v1/locate{query}", content=body, headers={"content-type": kind})
    assert told in problem_of(answer, status)
    assert "--skip-bad" not in answer.text


def test_a_filter_that_the_map_refuses(service: Any, make_picture: Make) -> None:
    with service.client() as client:
        answer = client.post("/v1/locate?near=100,13&radius_m=5", content=as_file(make_picture(1)))
        assert "degrees" in problem_of(answer, 422)


def test_no_path_from_a_client_is_opened(service: Any, tmp_path: Path, make_picture: Make) -> None:
    """The body is a picture, never the name of one."""
    path = tmp_path / "secret.png"
    path.write_bytes(as_file(make_picture(1)))
    with service.client() as client:
        for text in (str(path), f"file://{path}", f"{path}#frame=0"):
            problem_of(client.post("/v1/locate", content=text.encode()), 422)
        assert client.get("/../../etc/passwd").status_code == 404
        assert client.get("/v1/../%2e%2e/%2e%2e/etc/passwd").status_code == 404


def test_other_paths_and_methods(service: Any) -> None:
    with service.client() as client:
        assert "openapi" in problem_of(client.get("/nowhere"), 404)
        problem_of(client.get("/v1/locate"), 405)
        assert client.get("/docs").status_code == 404


def test_bytes_and_pixels_are_bounded(
    map_folder: Path, describer: Describer, run_service: Callable[..., Any], make_picture: Make
) -> None:
    limits = Limits(body_bytes=60_000, pixels=160 * 120, decode=DecodeLimits(pixels=160 * 120), read_s=1)
    with run_service(map_folder, describer, Settings(port=0, limits=limits)) as service, service.client() as client:
        assert client.post("/v1/locate", content=as_file(make_picture(1))).status_code == 200
        wide = as_file(make_picture(1, (161, 120)))
        assert "at most 19200 pixels" in problem_of(client.post("/v1/locate", content=wide), 422)
        bomb = bytearray(as_file(make_picture(1)))  # a header of 65,535 x 65,535 pixels, with its checksum
        bomb[16:24] = struct.pack(">II", 65535, 65535)
        bomb[29:33] = struct.pack(">I", zlib.crc32(bomb[12:29]))
        assert "pixels" in problem_of(client.post("/v1/locate", content=bytes(bomb)), 422)
        problem_of(client.post("/v1/locate", content=bytes(60_001)), 413)
        chunks = (bytes(10_000) for _ in range(20))
        problem_of(client.post("/v1/locate", content=chunks), 413)
        with socket.create_connection(("localhost", service.port), timeout=10) as slow:
            slow.sendall(b"POST /v1/locate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf")
            assert slow.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_a_client_that_hangs_up_in_its_body_harms_nobody(service: Any, raw_socket: Any, make_picture: Make) -> None:
    raw_socket.sendall(b"POST /v1/locate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf")
    raw_socket.close()
    with service.client() as client:
        assert client.post("/v1/locate", content=as_file(make_picture(2))).status_code == 200


def test_too_many_requests(map_folder: Path, describer: Describer, run_service: Callable[..., Any]) -> None:
    with (
        run_service(map_folder, describer, Settings(port=0, limits=Limits(requests_per_s=0.5))) as service,
        service.client() as client,
    ):
        answers = [client.get("/v1/map") for _ in range(12)]
        assert [one.status_code for one in answers[:10]] == [200] * 10
        assert "at most 0.5 requests" in problem_of(answers[-1], 429) and int(answers[-1].headers["retry-after"]) >= 1
    limits = Limits(bytes_per_s=1000)
    with run_service(map_folder, describer, Settings(port=0, limits=limits)) as service, service.client() as client:
        assert "bytes a second" in problem_of(client.post("/v1/locate", content=bytes(5000)), 429)


def test_a_service_without_a_model_takes_descriptors_alone(
    map_folder: Path, describer: Describer, run_service: Callable[..., Any], make_picture: Make
) -> None:
    data = describer.describe([make_picture(3)], [None])[0].tobytes()
    with run_service(map_folder, None) as service, service.client() as client:
        answer = client.post(f"/v1/locate?model={describer.digest}", content=data, headers={"content-type": DESCRIPTOR})
        assert answer.json()["fix"]["candidates"][0]["ref"] == "03.png"
        assert "runs no model" in problem_of(client.post("/v1/locate", content=as_file(make_picture(3))), 409)
        assert client.get("/v1/map").json()["model"]["describes"] is False


def test_a_model_that_looks_at_the_quality_is_told_of_it(
    map_folder: Path, describer: Describer, run_service: Callable[..., Any], make_picture: Make
) -> None:
    told: list[Any] = []

    class Watched:
        name, digest, descriptor_size = describer.name, describer.digest, describer.descriptor_size
        preprocessing, card = describer.preprocessing, {}

        def describe(self, images: Any, quality: Any = None) -> np.ndarray:
            told.extend(quality)
            return describer.describe(images, quality)

    with run_service(map_folder, Watched()) as service, service.client() as client:
        data = as_file(make_picture(1), "JPEG", quality=20)
        assert client.post("/v1/locate", content=data).json()["seen"]["quality"] == "160x120/jpeg:20"
        client.post("/v1/locate?quality=120p/h265:qp40", content=data)
    assert [str(one) for one in told] == ["160x120/jpeg:20", "120p/h265:qp40"]
