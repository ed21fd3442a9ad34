from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lofivpr.serving.client.address import Address
from lofivpr.serving.settings import SettingsError


def test_where_a_service_is() -> None:
    one = Address("https://vpr.example:8443/robots/", "key")
    assert one.base == "https://vpr.example:8443/robots" and one.stream == "wss://vpr.example:8443/robots/v1/stream"
    assert one.headers == {"Authorization": "Bearer key"} and "key'" not in repr(one)
    plain = Address("http://127.0.0.1:8000")
    assert plain.stream == "ws://127.0.0.1:8000/v1/stream" and plain.headers == {} and plain.context() is None


@pytest.mark.parametrize(
    "url",
    ["", "vpr.example", "ftp://vpr.example", "http://", "http://a:x", "http://u@a", "http://a?k=1", "http://[::1"],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(SettingsError, match="Name its URL"):
        Address(url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "http://localhost", "http://[::1]:8000", "https://vpr.example"]
)
def test_a_key_is_sent_where_nobody_reads_it(url: str) -> None:
    Address(url, "key")


def test_a_key_is_not_sent_in_the_open() -> None:
    with pytest.raises(SettingsError, match="--insecure"):
        Address("http://vpr.example", "key")
    Address("http://vpr.example", "key", insecure=True)


@pytest.mark.parametrize("key", ["a\nb", "schlüssel", " "])
def test_a_key_that_fits_into_no_header(key: str) -> None:
    with pytest.raises(SettingsError, match="API key"):
        Address("https://vpr.example", key)


def test_an_authority_that_is_none(tmp_path: Path) -> None:
    options: dict[str, Any] = {"url": "https://vpr.example"}
    with pytest.raises(SettingsError, match="PEM file"):
        Address(**options, ca=tmp_path / "none.pem").context()
    (tmp_path / "text.pem").write_text("no certificate")
    with pytest.raises(SettingsError, match="PEM file"):
        Address(**options, ca=tmp_path / "text.pem").context()
