from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lofivpr.quality import Quality
from lofivpr.serving.client.video import GOP, FrameEncoder
from lofivpr.serving.packets import PacketDecoder

See = Callable[..., np.ndarray]


@pytest.mark.parametrize("text", ["h264:qp40", "h264:64kbps", "h265:qp40", "av1:crf50", "vp9:crf50", "60p/h264:qp30"])
def test_each_frame_has_its_packet_at_once(text: str, see: See) -> None:
    """And a service's decoder gives each one's picture at once."""
    quality = Quality.parse(text)
    encoder = FrameEncoder(quality, (160, 120), 10)
    assert quality.codec is not None
    decoder = PacketDecoder(quality.codec, size=encoder.size)
    for step in range(6):
        image = see(3, step)
        packet = encoder.encode(image)
        assert packet.key == (step == 0) and packet.size == encoder.size
        (picture,) = decoder.decode(packet.data, step)
        sharp = quality.resize(image).astype(float)
        assert np.abs(picture.image() - sharp).mean() < 20
    encoder.close()


def test_the_packets_are_those_of_the_quality(see: See) -> None:
    """Waiting for nothing changes no byte."""
    frames = [see(2, step) for step in range(5)]
    clip = Quality.parse("h264:qp40").encode_clip(frames, 10)
    encoder = FrameEncoder(Quality.parse("h264:qp40"), (160, 120), 10)
    assert clip.packets is not None
    sent = [encoder.encode(frame).data for frame in frames]
    assert [abs(len(one) - len(other)) <= 2 for one, other in zip(sent, clip.packets, strict=True)] == [True] * 5


def test_a_key_frame_is_due_after_a_group_of_pictures(see: See) -> None:
    encoder, image = FrameEncoder(Quality.parse("60p/h264:qp45"), (160, 120), 10), see(1)
    keys = [encoder.encode(image).key for _ in range(GOP + 2)]
    assert [at for at, key in enumerate(keys) if key] == [0, GOP]


def test_stills_are_sent_one_by_one(see: See) -> None:
    encoder = FrameEncoder(Quality.parse("60p/jpeg:20"), (160, 120), 10)
    packet = encoder.encode(see(1))
    assert packet.data == Quality.parse("60p/jpeg:20").encode(see(1)).data and packet.size == (80, 60) and packet.key
