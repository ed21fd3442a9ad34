"""A real client of a real service: what it sends over thin links, within limits, and whom it trusts."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import trustme

from lofivpr.errors import LofiError
from lofivpr.maps.curve import CurvePoint
from lofivpr.models import Describer
from lofivpr.quality import Quality
from lofivpr.serving import ApiKey, Client, Settings
from lofivpr.serving.client import NoAnswerError, RefusedError

See = Callable[..., np.ndarray]
KEY = "a-key-that-is-long-enough"


@pytest.mark.parametrize(("kbps", "fits"), [(16, {"60p/h264:qp45", "120p/jpeg:20"}), (64, None), (256, None)])
def test_a_thin_link_gets_fewer_bytes(
    kbps: int, fits: set[str] | None, answering: Any, shaped_link: Any, see: See, lat_of: Callable[[int], float]
) -> None:
    """With jitter and loss; what is sent is found all the same. 9 kB take 4.5 s at 16 kbit/s."""
    with (
        shaped_link(answering.port, 1000 * kbps, delay_s=0.03, jitter_s=0.02, loss=0.02) as thin,
        Client(f"http://localhost:{thin.port}", latency_s=4.0) as client,
    ):
        found = [client.locate(see(place, 1)) for place in (2, 9, 14)]
        assert client.link is not None and client.link.bits_per_s < 3000 * kbps
    assert all(one.fix.answered and one.asked == 1 for one in found)
    assert [one.fix.lat for one in found] == pytest.approx([lat_of(place) for place in (2, 9, 14)], abs=20 / 111_320)
    assert {one.quality for one in found} <= (fits or {"60p/h264:qp45", "120p/jpeg:20", "120p/jpeg:90"})
    if kbps == 256:
        assert found[-1].quality == "120p/jpeg:90"
    assert thin.up.n_bytes >= sum(one.n_bytes for one in found)


def test_the_curve_that_is_walked_is_the_maps(
    answering: Any, curve_points: tuple[CurvePoint, ...], curve_numbers: dict[str, tuple[float, float]], see: See
) -> None:
    with Client(answering.url) as client:
        assert client.link is None
        about = client.about()
        assert [point["quality"] for point in about["calibration"]["curve"]] == list(curve_numbers)
    for quality, (_, sure) in curve_numbers.items():
        with Client(answering.url, probability=sure) as client:
            located = client.locate(see(3))
            assert located.quality == quality and located.fix.probability is not None


@pytest.mark.parametrize("budget", [600, 3000, 10_000])
def test_never_above_the_budget(answering: Any, abstaining: Any, see: See, budget: int) -> None:
    """Of a picture that is much dearer than the curve says, and of two questions together."""
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    for service in (answering, abstaining):
        with Client(service.url, budget_bytes=budget) as client:
            for image in (see(1), see(5, 2), noise, see(6)):
                try:
                    assert client.locate(image).n_bytes <= budget
                except LofiError as error:
                    assert image is noise and budget == 600, error


def test_it_asks_once_more_where_the_service_abstains(abstaining: Any, see: See) -> None:
    with Client(abstaining.url, probability=0.5) as client:
        first_quality, better = Quality.parse("60p/h264:qp45"), Quality.parse("120p/jpeg:20")
        located = client.locate(see(4, 1))
        assert located.asked == 2 and not located.fix.answered and located.fix.reason
        sizes = [quality.encode(see(4, 1)).n_bytes for quality in (first_quality, better)]
        assert located.n_bytes == sum(sizes), "the quality that halves the doubt"  # type: ignore[arg-type]
    with Client(abstaining.url, probability=0.5, budget_bytes=1000) as client:
        assert client.locate(see(4, 1)).asked == 1, "no budget is left"
    with Client(abstaining.url, quality="60p/h264:qp45") as client:
        assert client.locate(see(4, 1)).asked == 1, "a fixed quality"


def test_without_a_calibration(street_map: Path, describer: Describer, run_service: Any, see: See) -> None:
    with run_service(street_map, describer) as service, Client(service.url, budget_bytes=2000) as client:
        located = client.locate(see(7))
        assert located.fix.answered and located.fix.probability is None and located.n_bytes <= 2000
        assert located.quality == "h264:qp42", "the picture is smaller than the ladder's"


def test_a_small_file_goes_as_it_is(answering: Any, see: See, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "large.png"), see(8)[:, :, ::-1])
    (tmp_path / "small.dat").write_bytes(Quality.parse("60p/jpeg:5").encode(see(8)).data or b"")
    with Client(answering.url) as client:
        assert client.locate(tmp_path / "large.png").quality == "120p/jpeg:90"
        small = client.locate(tmp_path / "small.dat")
        assert (small.quality, small.n_bytes) == ("file", (tmp_path / "small.dat").stat().st_size)
    with Client(answering.url, quality="60p/jpeg:50") as client:
        assert client.locate(tmp_path / "small.dat").quality == "60p/jpeg:50"


def test_what_the_client_knows_of_its_place(answering: Any, see: See, lat_of: Callable[[int], float]) -> None:
    with Client(answering.url, quality="jpeg:80") as client:
        far = client.locate(see(2), near=(lat_of(11), 13.0), radius_m=20)
        assert far.fix.candidates[0].ref == "11-database.png"
        with pytest.raises(LofiError, match="near and radius_m together"):
            client.locate(see(2), near=(52.0, 13.0))


def test_threads_may_share_a_client(answering: Any, see: See) -> None:
    found: dict[int, str] = {}
    with Client(answering.url) as client:

        def ask(place: int) -> None:
            found[place] = client.locate(see(place)).fix.candidates[0].ref

        threads = [threading.Thread(target=ask, args=(place,)) for place in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert found == {place: f"{place:02d}-database.png" for place in range(8)}


def test_a_broken_connection_is_opened_again(link: Any, see: See) -> None:
    with Client(f"http://localhost:{link.port}") as client:
        client.locate(see(1))
        link.cut(stay_down=True)
        timer = threading.Timer(0.6, link.restore)
        timer.start()
        assert client.locate(see(2)).fix.candidates[0].ref == "02-database.png"


def test_nobody_there() -> None:
    with Client("http://localhost:9", patience_s=0.4) as client, pytest.raises(NoAnswerError, match="within 0.4 s"):
        client.locate(np.zeros((8, 8, 3), np.uint8))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"quality": "240p"}, "a quality with a codec"),
        ({"quality": "nonsense"}, "expected a quality"),
        ({"quality": "jpeg:5", "latency_s": 1.0}, "found both"),
        ({"patience_s": 0}, "patience"),
        ({"probability": 2}, "a probability"),
        ({"url": "localhost:8000"}, "address of a service"),
    ],
)
def test_mistakes_are_told_before_anything_is_sent(options: dict[str, Any], told: str) -> None:
    with pytest.raises(LofiError, match=told):
        Client(**{"url": "http://localhost:9", **options})


@pytest.fixture(scope="module")
def locked(
    tmp_path_factory: pytest.TempPathFactory, calibrated_map: Path, describer: Describer, run_service: Any
) -> Iterator[Any]:
    """A service with a key and TLS."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued = authority.issue_cert("localhost")
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    for part in issued.cert_chain_pems:
        part.write_to_path(str(folder / "cert.pem"), append=True)
    pems = {"tls_cert": folder / "cert.pem", "tls_key": folder / "key.pem"}
    settings = Settings(port=0, api_keys=(ApiKey("robot", KEY),), **pems)
    with run_service(calibrated_map, describer, settings, tls=folder / "ca.pem") as one:
        yield one


def test_key_and_certificate(locked: Any, see: See) -> None:
    with Client(locked.url, key=KEY, ca=locked.tls) as client:
        assert client.locate(see(3)).fix.candidates[0].ref == "03-database.png"
        with client.stream() as stream:
            stream.submit(see(5))
            stream.finish()
            (answer,) = stream
            assert answer.fix.candidates[0].ref == "05-database.png"  # type: ignore[union-attr]


def test_a_wrong_key(locked: Any, see: See) -> None:
    with Client(locked.url, key="another-key-that-is-long", ca=locked.tls) as client:
        with pytest.raises(RefusedError, match="401.*a wrong one"):
            client.locate(see(3))
        with client.stream() as stream:
            stream.submit(see(3))
            with pytest.raises(RefusedError, match="401"):
                list(stream)


def test_a_certificate_that_nobody_vouches_for(locked: Any, see: See) -> None:
    with Client(locked.url, key=KEY) as client:
        with pytest.raises(RefusedError, match="--ca"):
            client.locate(see(3))
        with client.stream() as stream:
            stream.submit(see(3))
            with pytest.raises(RefusedError, match="--ca"):
                list(stream)


def test_the_client_needs_neither_torch_nor_the_extra(answering: Any, tmp_path: Path, see: See) -> None:
    cv2.imwrite(str(tmp_path / "query.png"), see(6)[:, :, ::-1])
    blocked = ("torch", "timm", "fastapi", "starlette", "uvicorn", "prometheus_client", "httptools", "uvloop")
    query = str(tmp_path / "query.png")
    code = (
        "import sys\n"
        f"for name in {blocked}: sys.modules[name] = None\n"
        "import lofivpr as lv\n"
        f"with lv.Client({answering.url!r}) as client: print(client.locate({query!r}).fix.best.ref)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "06-database.png", done.stderr
