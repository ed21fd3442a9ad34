from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from lofivpr.errors import LofiError
from lofivpr.serving import Settings, serve
from lofivpr.serving.run import listen

COMMAND = [sys.executable, "-c", "from lofivpr.cli import main; main()", "serve"]


def test_the_command_serves_until_it_is_told_to_stop(
    map_folder: Path, model_folder: Path, wait_until: Callable[..., object]
) -> None:
    options = [str(map_folder), "--model", str(model_folder), "--port", "0"]
    process = subprocess.Popen([*COMMAND, *options], stderr=subprocess.PIPE, text=True, env={**os.environ})
    assert process.stderr is not None
    try:
        while (event := json.loads(process.stderr.readline()))["event"] != "listening":
            pass
        assert event["url"].startswith("http://127.0.0.1:")
        answer = wait_until(lambda: _answer(f"{event['url']}/v1/map"))
        assert answer["map"]["places"] == 16  # type: ignore[index]
        process.send_signal(signal.SIGTERM)
        rest = [json.loads(line) for line in process.stderr]
        assert process.wait(15) in (0, -signal.SIGTERM) and rest[-1]["event"] == "stopped"
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _answer(url: str) -> dict[str, object] | None:
    try:
        return httpx.get(url).json()
    except httpx.TransportError:
        return None


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["nowhere.map"], "expected a map at nowhere.map"),
        (["MAP", "--model", "nowhere"], "expected a model folder"),
        (["MAP", "--host", "0.0.0.0"], "--insecure"),
        (["MAP", "--tls-cert", "none.pem"], "--tls-key"),
        (["MAP", "--api-key-file", "none"], "expected a file of API keys"),
    ],
)
def test_a_mistake_is_one_message(
    options: list[str],
    told: str,
    map_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from lofivpr.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    arguments = [str(map_folder) if one == "MAP" else one for one in options]
    monkeypatch.setattr(sys, "argv", ["lofivpr", "serve", *arguments, "--port", "0"])
    with pytest.raises(SystemExit) as end:
        main()
    message = capsys.readouterr().err
    assert end.value.code == 2 and told in message and "Traceback" not in message


def test_an_address_that_is_taken_or_not_ours() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(LofiError, match="Choose another --port"):
            listen(Settings(port=taken.getsockname()[1]))
    with pytest.raises(LofiError, match="expected to listen"):
        listen(Settings(host="203.0.113.1", insecure=True))


def test_tls_files_that_do_not_fit(tmp_path: Path, map_folder: Path) -> None:
    pem = tmp_path / "x.pem"
    pem.write_text("no certificate")
    with pytest.raises(LofiError, match="expected a certificate and its private key"):
        serve(map_folder, None, Settings(port=0, tls_cert=pem, tls_key=pem))


def test_the_room_opens_without_the_extra() -> None:
    """Settings need nothing beyond the base package; what needs the extra says so."""
    code = (
        "import sys; sys.modules['fastapi'] = None; sys.modules['uvicorn'] = None\n"
        "from lofivpr.errors import LofiError\n"
        "from lofivpr import serving\n"
        "serving.Settings()\n"
        "try: serving.serve\n"
        "except LofiError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "lofivpr[serve]" in done.stdout
