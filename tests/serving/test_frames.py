from __future__ import annotations

from collections.abc import Callable

from lofivpr.quality import EncodedClip, estimate_quality
from lofivpr.serving.frames import FrameReader
from lofivpr.serving.settings import Limits
from lofivpr.serving.wire import Hello


def test_frames_between_key_frames_keep_the_quality_of_the_key_frame(make_clip: Callable[..., EncodedClip]) -> None:
    packets = make_clip("h264", 5).packets
    assert packets is not None
    assert len(packets[1]) < len(packets[0]) / 4  # so few bytes would pass for a far coarser quantizer
    reader = FrameReader(Hello(codec="h264"), Limits())
    frames = [frame for i, packet in enumerate(packets) for frame in reader.read(packet, i, 0).frames]
    seen = [frame.picture()[1] for frame in frames]
    key = estimate_quality("h264", (160, 120), len(packets[0]))
    assert len(seen) == 5 and all(one.quality == key for one in seen)
    assert estimate_quality("h264", (160, 120), len(packets[1])) != key
