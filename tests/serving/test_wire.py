from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofivpr.serving.wire import WireError, read_descriptor, read_hello, read_packet, write_packet


@given(st.integers(0, 2**53 - 1), st.integers(0, 2**64 - 1), st.binary(max_size=50))
def test_packets_come_back(frame_id: int, micros: int, packet: bytes) -> None:
    assert read_packet(write_packet(frame_id, micros, packet)) == (frame_id, micros, packet)


def test_the_header_is_what_is_documented() -> None:
    assert write_packet(1, 258, b"x") == bytes(7) + b"\1" + bytes(6) + b"\1\2" + b"x"


@pytest.mark.parametrize("message", [b"", bytes(15), write_packet(2**53, 0, b"x"), b"\xff" * 16])
def test_bad_headers(message: bytes) -> None:
    with pytest.raises(WireError, match="expected"):
        read_packet(message)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_packet_or_an_error(message: bytes) -> None:
    try:
        assert read_packet(message)[2] == message[16:]
    except WireError:
        assert len(message) < 16 or message[0] or message[1] >= 32


def test_a_hello() -> None:
    hello = read_hello('{"codec": "h264", "size": [426, 240], "k": 3, "near": [52.5, 13.4], "radius_m": 200}')
    assert (hello.codec, hello.size, hello.k, hello.near, hello.radius_m) == ("h264", (426, 240), 3, (52.5, 13.4), 200)
    assert not hello.sequence and hello.heading is None


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "codec"),
        ({"codec": "theora"}, "codec"),
        ({"codec": "h264", "k": 0}, "k"),
        ({"codec": "h264", "size": [0, 10]}, "pixels"),
        ({"codec": "h264", "near": [0, 0]}, "together"),
        ({"codec": "h264", "radius_m": 5}, "together"),
        ({"codec": "h264", "near": [0, 0], "radius_m": -5}, "radius_m"),
        ({"codec": "h264", "picture": "/etc/passwd"}, "picture"),
        ([], "found"),
    ],
)
def test_bad_hellos(values: object, told: str) -> None:
    with pytest.raises(WireError, match=told) as error:
        read_hello(json.dumps(values))
    assert "passwd" not in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "NaN", '{"codec": "h264", "near": [NaN, 0], "radius_m": 1}', "[" * 5000])
def test_what_is_no_json(text: str) -> None:
    with pytest.raises(WireError, match="expected a hello"):
        read_hello(text)


def test_descriptors() -> None:
    values = np.random.default_rng(0).normal(size=24)
    unit = values / np.sqrt(sum(value * value for value in values))
    for dtype, error in (("float32", 1e-6), ("float16", 1e-3)):
        found = read_descriptor(values.astype(np.dtype(dtype).newbyteorder("<")).tobytes(), dtype, 24)
        assert found.shape == (1, 24) and found.dtype == np.float32
        np.testing.assert_allclose(found[0], unit, atol=error)


@pytest.mark.parametrize(
    ("data", "dtype", "told"),
    [
        (bytes(96), "float32", "not all 0"),
        (np.full(24, np.nan, "<f4").tobytes(), "float32", "finite"),
        (np.full(24, np.inf, "<f2").tobytes(), "float16", "finite"),
        (bytes(95), "float32", "96 bytes, found 95"),
        (b"", "float32", "found 0 bytes"),
        (bytes(96), "float64", "float32 or float16"),
        (bytes(96), "object", "float32 or float16"),
    ],
)
def test_bad_descriptors(data: bytes, dtype: str, told: str) -> None:
    with pytest.raises(WireError, match=told):
        read_descriptor(data, dtype, 24)
