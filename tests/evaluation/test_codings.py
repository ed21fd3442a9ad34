from __future__ import annotations

import numpy as np
import pytest

from lofivpr.evaluation.codings import CodingError, float16, int8, learnt_centroids, product_quantization, training_rows


def unit_rows(rows: int, dimension: int, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).standard_normal((rows, dimension)).astype(np.float32)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def test_float16_is_two_bytes_a_number() -> None:
    rows = unit_rows(5, 16)
    assert float16(16).n_bytes == rows.astype(np.float16)[0].nbytes
    assert np.array_equal(float16(16).decoded(rows), rows.astype(np.float16).astype(np.float32))


def test_int8_is_the_nearest_of_255_steps() -> None:
    rows = unit_rows(5, 16) * np.array([[1], [1e-3], [7], [1], [0]], np.float32)
    found = int8(16).decoded(rows)
    assert int8(16).n_bytes == 16 + 4 and found.dtype == np.float32
    for sent, got in zip(rows, found, strict=True):
        step = max(abs(float(v)) for v in sent) / 127
        for a, b in zip(sent.tolist(), got.tolist(), strict=True):
            assert abs(a - b) <= step / 2 * 1.0001
            assert step == 0 or abs(b / step - round(b / step)) < 1e-3


def test_a_code_is_the_nearest_codeword_of_each_part() -> None:
    """With 256 rows k-means keeps them all: each part of a query becomes that of the nearest row."""
    database, sent = unit_rows(256, 128), unit_rows(20, 128, seed=1)
    coding = product_quantization(learnt_centroids(64, database))
    received = coding.decoded(sent)
    assert (coding.name, coding.n_bytes, received.dtype) == ("pq64", 64, np.float32)
    for query, got in zip(sent, received, strict=True):
        for part in range(64):
            piece = slice(2 * part, 2 * part + 2)
            nearest = min(database[:, piece].tolist(), key=lambda word: sum((query[piece] - word) ** 2))
            assert got[piece].tolist() == pytest.approx(nearest)


def test_more_bytes_are_closer_and_equal_seeds_agree() -> None:
    database, sent = unit_rows(400, 256), unit_rows(50, 256, seed=1)
    received = [product_quantization(learnt_centroids(n, database)).decoded(sent) for n in (64, 128, 256)]
    errors = [float(((got - sent) ** 2).sum()) for got in received]
    assert errors[0] > errors[1] > errors[2]
    assert np.array_equal(*(learnt_centroids(64, database, seed=3) for _ in range(2)))


def test_few_rows_are_enough_to_learn_from() -> None:
    assert training_rows(300).tolist() == list(range(300))
    drawn = training_rows(20_000)
    assert len(set(drawn.tolist())) == 39 * 256 and (np.diff(drawn) > 0).all() and drawn.max() > 19_000


def test_what_does_not_fit_says_why() -> None:
    with pytest.raises(CodingError, match="64 bytes do not divide the 108 numbers"):
        learnt_centroids(64, unit_rows(300, 108))
    with pytest.raises(CodingError, match="as many database pictures, found 255"):
        learnt_centroids(64, unit_rows(255, 128))
