from __future__ import annotations

from pathlib import Path

import pytest

from lofivpr.serving.settings import ApiKey, Limits, Settings, SettingsError, is_loopback, read_api_keys

KEY = ApiKey("robot", "0123456789abcdef")


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    path = tmp_path / "server.pem"
    path.write_text("-----BEGIN CERTIFICATE-----")
    return path


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.9.1", "[::1]", "LOCALHOST."])
def test_this_machine_needs_nothing(host: str) -> None:
    assert Settings(host=host).is_local and is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "robot.example", "localhost.example", "128.0.0.1"])
def test_another_address_needs_a_key_and_tls(host: str, pem: Path) -> None:
    with pytest.raises(SettingsError, match="missing: an API key .* and TLS"):
        Settings(host=host)
    with pytest.raises(SettingsError, match="missing: TLS"):
        Settings(host=host, api_keys=(KEY,))
    with pytest.raises(SettingsError, match="missing: an API key"):
        Settings(host=host, tls_cert=pem, tls_key=pem)
    assert not Settings(host=host, api_keys=(KEY,), tls_cert=pem, tls_key=pem).is_local
    assert Settings(host=host, insecure=True)


def test_half_of_tls_is_none(pem: Path) -> None:
    with pytest.raises(SettingsError, match="together"):
        Settings(tls_cert=pem)
    with pytest.raises(SettingsError, match="expected a PEM file"):
        Settings(tls_cert=pem, tls_key=pem.with_name("none.pem"))


def test_keys_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("# robots\n\nred: aaaaaaaaaaaaaaaaaaaa\n  bbbbbbbbbbbbbbbbbbbb  \n")
    keys = read_api_keys(path)
    assert [(key.name, key.secret) for key in keys] == [("red", "a" * 20), ("key-4", "b" * 20)]
    assert "aaaa" not in repr(Settings(api_keys=keys)), "a secret is never shown"


@pytest.mark.parametrize("text", ["", "# none\n", "short\n", "name:with space in the key\n", "a:ümlautümlautümlaut\n"])
def test_a_file_without_good_keys_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys"
    path.write_text(text)
    with pytest.raises(SettingsError, match="expected"):
        read_api_keys(path)


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="different names"):
        Settings(api_keys=(KEY, KEY))
    with pytest.raises(SettingsError, match="port"):
        Settings(port=70000)
    with pytest.raises(SettingsError, match="limit frames_per_s"):
        Limits(frames_per_s=0)
    with pytest.raises(SettingsError, match="expected a file of API keys"):
        read_api_keys(tmp_path / "none")
