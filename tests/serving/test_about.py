from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from lofivpr.maps import Map
from lofivpr.models import Describer
from lofivpr.serving.engine import Engine


def test_what_the_map_is(service: Any, map_folder: Path, describer: Describer) -> None:
    with service.client() as client:
        answer = client.get("/v1/map")
    body = answer.json()
    assert answer.status_code == 200
    assert body["map"]["places"] == 16 and body["map"]["model_digest"] == describer.digest
    assert body["model"]["digest"] == describer.digest and body["model"]["input"] == [96, 64]
    assert body["calibration"] is None and body["generation"] == 0
    assert "h264" in body["accepts"]["stream"] and body["limits"]["k"] == 100
    assert str(map_folder.parent) not in answer.text, "no path of the server is told"


def test_the_openapi_description_has_examples(service: Any) -> None:
    with service.client() as client:
        described = client.get("/openapi.json").json()
    assert set(described["paths"]) >= {"/v1/locate", "/v1/map", "/healthz", "/readyz", "/metrics"}
    post = described["paths"]["/v1/locate"]["post"]
    assert {"image/jpeg", "video/h264", "application/vnd.lofivpr.descriptor"} <= set(post["requestBody"]["content"])
    assert {"200", "401", "413", "415", "422", "429", "503"} <= set(post["responses"])
    assert described["components"]["schemas"]["AnswerOut"]["example"]["fix"]["candidates"]
    assert any("examples" in parameter["schema"] or "example" in parameter for parameter in post["parameters"])


def test_metrics_count_what_was_done(service: Any, make_picture: Any) -> None:
    import cv2

    data = cv2.imencode(".png", make_picture(1))[1].tobytes()
    with service.client() as client:
        before = service.metric("lofivpr_answers_total", source="still", answered="true")
        for _ in range(3):
            assert client.post("/v1/locate", content=data).status_code == 200
        client.post("/v1/locate", content=b"x")
        text = client.get("/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    values = {
        sample.name: sample.value for family in families.values() for sample in family.samples if not sample.labels
    }
    assert service.metric("lofivpr_answers_total", source="still", answered="true") == before + 3
    assert values["lofivpr_map_places"] == 16 and values["lofivpr_open_streams"] == 0
    assert service.metric("lofivpr_faults_total", source="still") >= 1
    assert service.metric("lofivpr_responses_total", status="422") >= 1
    for stage in ("decode", "wait", "describe", "search"):
        assert service.metric("lofivpr_stage_seconds_count", stage=stage) >= 3


def test_liveness_and_readiness(service: Any) -> None:
    with service.client() as client:
        assert client.get("/healthz").json() == {"status": "alive"}
        assert client.get("/readyz").json() == {"status": "ready"}


def test_an_engine_refuses_a_model_that_does_not_fit(map_folder: Path, tmp_path: Path) -> None:
    from lofivpr.errors import LofiError
    from lofivpr.models import create_model

    with pytest.raises(LofiError, match="expected the model that made the map"):
        Engine(Map.open(map_folder), create_model("tiny", size=(96, 64), clusters=4, seed=99))
