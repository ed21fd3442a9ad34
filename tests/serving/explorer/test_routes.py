from __future__ import annotations

import concurrent.futures
import io
from typing import Any

import pytest
from PIL import Image

from lofivpr.maps import Map
from lofivpr.models import load_describer
from lofivpr.places import Places
from lofivpr.quality import Quality


def ask(service: Any, what: str = "preview", body: bytes = b"", **parameters: Any) -> dict[str, Any]:
    with service.client() as client:
        answer = client.post(f"/v1/explorer/{what}", params=parameters, content=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(service: Any, body: bytes = b"", **parameters: Any) -> tuple[int, str]:
    with service.client() as client:
        answer = client.post("/v1/explorer/preview", params=parameters, content=body)
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["detail"]


def test_what_the_page_can_show(explored: Any, street: Any) -> None:
    with explored.client() as client:
        told = client.get("/v1/explorer").json()
    names = [load_describer(folder).digest for folder in (street.teacher, street.student)]
    assert [model["digest"] for model in told["models"]] == names and told["map_model"]["digest"] == names[0]
    assert told["pictures"] and told["samples"] == 24 and told["within_m"] == 25 and not told["metres"]
    assert len(told["places"]) == 24 and told["places"][1][0] == pytest.approx(52 + 40 / 111_320)
    codecs = {codec["name"]: codec for codec in told["codecs"]}
    assert (codecs["h264"]["mode"], codecs["h264"]["low"], codecs["h264"]["high"]) == ("qp", 1, 51)
    assert codecs["png"]["mode"] is None
    assert str(street.places) not in str(told), "no path of the server is told"


def test_the_student_answers_as_it_does_to_clients(explored: Any, street: Any) -> None:
    """The preview of a JPEG, and the same JPEG sent to /v1/locate by whoever encoded it."""
    quality = Quality.parse("60p/jpeg:10")
    encoded = quality.encode(Places.open(street.places).queries.open_image(5))
    found = ask(explored, quality=str(quality), sample=5)
    with explored.client() as client:
        answer = client.post("/v1/locate", params={"quality": str(quality)}, content=encoded.data)
    expected, told = answer.json()["fix"], found["models"][1]["fix"]
    assert found["picture"]["bytes"] == len(encoded.data or b"")
    assert [one["row"] for one in told["candidates"]] == [one["row"] for one in expected["candidates"]]
    for one, other in zip(told["candidates"], expected["candidates"], strict=True):
        assert one["similarity"] == pytest.approx(other["similarity"], abs=1e-6)
    assert told["probability"] == pytest.approx(expected["probability"], abs=1e-6)


def test_the_teacher_answers_as_it_does_by_itself(explored: Any, street: Any) -> None:
    picture = Places.open(street.places).queries.open_image(5)
    expected = Map.open(street.map).locate(
        load_describer(street.teacher), picture, quality="60p/jpeg:10", calibrated=False
    )
    told = ask(explored, quality="60p/jpeg:10", sample=5)["models"][0]["fix"]
    assert [one["row"] for one in told["candidates"]] == [one.row for one in expected.candidates]
    assert told["probability"] is None and told["lat"] == pytest.approx(expected.lat)


def test_a_sample_has_a_truth_and_a_picture_that_is_sent_has_none(explored: Any, street: Any) -> None:
    sample = ask(explored, quality="60p", sample=7)
    sent = ask(explored, body=(street.places / "query-07.png").read_bytes(), quality="60p")
    assert sample["picture"] == sent["picture"]
    assert sample["truth"] == pytest.approx([52 + 280 / 111_320, 13 + 6 / 68_500]) and sent["truth"] is None
    assert sample["models"][1]["fix"]["candidates"][0]["right"] is True
    assert sent["models"][1]["fix"]["candidates"][0]["right"] is None


def test_heatmaps_of_both_models(explored: Any) -> None:
    sharp = ask(explored, "heatmaps", quality="raw", sample=2)
    assert "NetVLAD" in sharp["kind"] and [one["quality"] for one in sharp["maps"]] == ["raw"] * 3
    assert sharp["maps"][0]["agreement"] is None and sharp["maps"][1]["agreement"] == pytest.approx(1)
    low = ask(explored, "heatmaps", quality="32p/jpeg:5", sample=2)
    assert low["maps"][1]["agreement"] < 0.999 and low["maps"][0]["uri"].startswith("data:image/jpeg;base64,")
    assert low["maps"][1]["uri"] != sharp["maps"][1]["uri"]


@pytest.mark.parametrize(
    ("parameters", "body", "status", "words"),
    [
        ({"quality": "raw"}, b"no picture", 422, "expected a picture as JPEG"),
        ({"quality": "raw"}, b"", 422, "expected a picture"),
        ({"quality": "480p", "sample": 0}, b"", 422, "at most the source's 320 x 240"),
        ({"quality": "120p/h999:qp3", "sample": 0}, b"", 422, "is no codec"),
        ({"quality": "h264:64kbps", "sample": 0}, b"", 422, "expected a clip"),
        ({"quality": "raw", "sample": 24}, b"", 404, "expected one of 24 samples"),
        ({"sample": 0}, b"", 422, "quality: Field required"),
    ],
)
def test_what_cannot_be_shown_is_said(
    parameters: dict[str, Any], body: bytes, status: int, words: str, explored: Any
) -> None:
    found, detail = refused(explored, body, **parameters)
    assert found == status and words in detail


def test_pictures_of_rows(explored: Any) -> None:
    with explored.client() as client:
        place, sample = (client.get(f"/v1/explorer/{kind}/3", params={"width": 80}) for kind in ("places", "samples"))
        assert Image.open(io.BytesIO(place.content)).size == Image.open(io.BytesIO(sample.content)).size == (80, 60)
        for path in ("places/24", "samples/24", "places/2147483647"):
            assert client.get(f"/v1/explorer/{path}").status_code == 404
        assert client.get("/v1/explorer/places/-1").status_code == 422
        assert client.get("/v1/explorer/places/3", params={"width": 100_000}).status_code == 422


def test_without_the_data_set_no_picture_is_shown(serve_street: Any, street: Any) -> None:
    with serve_street(places=None) as service, service.client() as client:
        told = client.get("/v1/explorer").json()
        assert not told["pictures"] and told["samples"] == 0 and len(told["places"]) == 24
        for path in ("places/0", "samples/0"):
            answer = client.get(f"/v1/explorer/{path}")
            assert answer.status_code == 404 and "--places" in answer.json()["detail"]
        assert ask(service, body=(street.places / "query-07.png").read_bytes(), quality="60p")["models"]


def test_without_a_model_it_says_so(serve_street: Any) -> None:
    with serve_street(model=None) as service, service.client() as client:
        assert client.get("/v1/explorer").json()["models"] == []
        assert refused(service, quality="raw", sample=0)[0] == 409


def test_the_map_s_own_model_is_asked_alone(serve_street: Any, street: Any) -> None:
    with serve_street(model=street.teacher) as service:
        found = ask(service, quality="60p", sample=0)
        assert [model["digest"] for model in found["models"]] == [load_describer(street.teacher).digest]
        assert len(ask(service, "heatmaps", quality="60p", sample=0)["maps"]) == 2


def test_a_teacher_that_is_gone_is_done_without(serve_street: Any, street: Any) -> None:
    away = street.teacher.with_name("away")
    street.teacher.rename(away)
    try:
        with serve_street() as service:
            assert [model["name"] for model in ask(service, quality="60p", sample=0)["models"]] == ["netvlad-tiny"]
    finally:
        away.rename(street.teacher)


def test_visitors_wait_in_a_line_that_ends(explored: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lofivpr.serving.explorer.explorer._MOST_ASKING", 3)
    with concurrent.futures.ThreadPoolExecutor(12) as pool, explored.client() as client:
        asked = [pool.submit(client.post, "/v1/explorer/preview?quality=h265:qp20&sample=1") for _ in range(12)]
        statuses = [one.result().status_code for one in asked]
    assert set(statuses) == {200, 503} and statuses.count(200) >= 3
    assert ask(explored, quality="60p", sample=0)["models"], "it goes on"
