"""Where a stream can be entered: key frames, told from the first bytes of a packet without decoding it."""

from __future__ import annotations

from collections.abc import Iterator

from lofivpr.quality.video import split_units

_H264_IDR = 5
_H265_ENTRY = range(16, 22)  # BLA, IDR and CRA pictures
_AHEAD = {"h264": {6, 7, 8, 9, 13, 15}, "h265": {32, 33, 34, 35, 39, 40}}
_AV1_SEQUENCE_HEADER = 1


def is_key_frame(data: bytes, codec: str) -> bool:
    """Can a decoder start at this packet? Any bytes may be given; damaged ones are no key frame.

    H.264: an IDR slice (type 5, H.264 table 7-1). H.265: an intra random access picture (types 16 to 21, H.265
    table 7-1). AV1: a temporal unit with a sequence header, which precedes each key frame that a stream may be
    entered at (AV1 section 7.5). VP9: frame_type 0 in the uncompressed header (VP9 section 6.2).
    """
    if codec == "h264":
        return any(unit[0] & 31 == _H264_IDR for unit in _nal_units(data))
    if codec == "h265":
        return any(unit[0] >> 1 & 63 in _H265_ENTRY for unit in _nal_units(data))
    if codec == "av1":
        return _AV1_SEQUENCE_HEADER in _obu_types(data)
    return _is_vp9_key(data)


def is_ahead(data: bytes, codec: str) -> bool:
    """Is a packet nothing but parameter sets and messages, which belong to the picture of the next one?

    H.264: types 6 to 9, 13 and 15 (SEI, SPS, PPS, delimiter and extensions); H.265: 32 to 35, 39 and 40. The packets
    of other codecs all hold pictures.
    """
    known = _AHEAD.get(codec)
    if known is None:
        return False
    types = {unit[0] & 31 if codec == "h264" else unit[0] >> 1 & 63 for unit in _nal_units(data)}
    return bool(types) and types <= known


def has_start_code(data: bytes) -> bool:
    """Does an H.264 or H.265 packet begin as Annex B (00 00 01 or 00 00 00 01)?"""
    return data.startswith((b"\0\0\1", b"\0\0\0\1"))


def _nal_units(data: bytes) -> Iterator[bytes]:
    """NAL units without their start codes, the empty ones left out."""
    for unit in split_units(data):
        body = unit[unit.index(b"\1") + 1 :]
        if body:
            yield body


def _obu_types(data: bytes) -> Iterator[int]:
    """Types of the open bitstream units of an AV1 temporal unit, up to the first that is damaged."""
    at = 0
    while at < len(data):
        header = data[at]
        has_extension, has_size = header >> 2 & 1, header >> 1 & 1
        if header & 0x80:  # the forbidden bit
            return
        yield header >> 3 & 15
        at += 1 + has_extension
        if not has_size:
            return  # the last one reaches to the end
        size, used = _leb128(data[at : at + 8])
        if used == 0:
            return
        at += used + size


def _leb128(data: bytes) -> tuple[int, int]:
    """A number of AV1 section 4.10.5 and how many bytes it takes; 0 bytes where it does not end."""
    value = 0
    for index, byte in enumerate(data):
        value |= (byte & 0x7F) << (7 * index)
        if not byte & 0x80:
            return value, index + 1
    return 0, 0


def _is_vp9_key(data: bytes) -> bool:
    if not data or data[0] >> 6 != 2:  # frame_marker
        return False
    bits = f"{data[0]:08b}"
    profile = int(bits[3] + bits[2], 2)
    after = bits[5:] if profile == 3 else bits[4:]  # profile 3 has a reserved bit
    show_existing, frame_type = after[0], after[1]
    return show_existing == "0" and frame_type == "0"
