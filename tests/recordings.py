"""Really encoded clips with what recordings have: uneven times, sound, covers, a lost end, a turned camera."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def moving(number: int, width: int = 128, height: int = 96) -> list[np.ndarray]:
    """uint8 height x width x 3: a texture that moves, every frame another."""
    shape = (height // 16, width // 16 + number, 3)
    wide = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8).repeat(16, 0).repeat(16, 1)
    return [np.ascontiguousarray(wide[:, 3 * i : 3 * i + width]) for i in range(number)]


def write_clip(
    path: Path,
    images: Sequence[np.ndarray],
    fps: int = 25,
    times: Sequence[int] | None = None,
    sound: bool = False,
    codec: str = "libx264",
    container: dict[str, str] | None = None,
    **options: str,
) -> Path:
    """Encode pictures; `times` are in units of 1/fps. With `sound`, the sound is the first stream of the file."""
    height, width = images[0].shape[:2]
    with av.open(str(path), "w", options=container or {}) as file:
        noise = file.add_stream("aac", rate=48000) if sound else None
        stream = file.add_stream(codec, rate=fps)
        stream.width, stream.height = width, height
        stream.pix_fmt = "bgr0" if codec == "ffv1" else "yuv420p"
        stream.options = {"g": "12", "bf": "2"} | options if codec == "libx264" else options
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = (times or range(len(images)))[number], Fraction(1, fps)
            file.mux(stream.encode(frame))
            if noise is not None:
                samples = np.random.default_rng(number).normal(0, 0.1, (1, 48000 // fps)).astype(np.float32)
                heard = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
                heard.rate, heard.pts = 48000, number * samples.shape[1]
                file.mux(noise.encode(heard))
        file.mux(stream.encode(None))
        if noise is not None:
            file.mux(noise.encode(None))
    return path


def cut(path: Path, share: float) -> Path:
    """Keep the first `share` of the file's bytes."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path
