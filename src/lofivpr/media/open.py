"""The one door through which every picture comes in: 8-bit RGB, upright, within limits."""

from __future__ import annotations

import functools
import hashlib
import io
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from lofivpr.files import digest
from lofivpr.media.clip import MAX_PIXELS, read_frame, stamp
from lofivpr.media.frame_cache import FrameCache
from lofivpr.media.mask import hidden_pixels, hide
from lofivpr.media.panorama import perspective_view
from lofivpr.media.ref import BadImageError, ImageRef
from lofivpr.urls import read_url

_FRAMES = FrameCache()
_KEPT = threading.local()


def open_image(ref: str | Path | ImageRef, root: str | Path | None = None, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Open a picture, a frame of a clip or a view of a panorama.

    The EXIF orientation is applied, alpha is laid over white, CMYK, palette, grey and 16-bit pictures
    become 8-bit RGB (16 bits keep their high byte); colour profiles are ignored.

    Args:
        ref: what to open; a text or path is read by `ImageRef.parse`.
        root: folder against which a relative path counts.
        max_pixels: a picture or frame with more pixels is refused before it is decoded.

    Returns:
        uint8 H x W x 3, RGB.

    Raises:
        BadImageError: missing, unreadable, truncated or too large; the message says which and what to do.
    """
    ref = resolve(ref, root)
    if ref.fov is None:
        return _whole(ref, max_pixels)
    # One frame has many views, and a decoded frame and its mask cost more than all of them.
    key = ref.path, stamp(ref.path), ref.frame, max_pixels, ref.mask and (ref.mask, stamp(ref.mask))
    return _view(_FRAMES.get(key, lambda: _whole(ref, max_pixels)), ref)


def _whole(ref: ImageRef, max_pixels: int) -> np.ndarray:
    if ref.frame is not None:
        image = read_frame(ref.path, ref.frame, max_pixels)
    else:
        image = decode_image(read_bytes(ref.path), ref.path, max_pixels)
    return _masked(image, ref.mask)


def _masked(image: np.ndarray, mask: str | None) -> np.ndarray:
    return image if mask is None else hide(image, _hidden(mask, *stamp(mask)), mask)


@functools.lru_cache(maxsize=4)
def _hidden(mask: str, size: int, mtime_ns: int) -> np.ndarray:
    try:
        return hidden_pixels(decode_image(read_bytes(mask), mask))
    except BadImageError as error:
        raise BadImageError(f"expected a mask at {mask}: white is seen, black is hidden. {error}") from error


def _view(image: np.ndarray, ref: ImageRef) -> np.ndarray:
    return image if ref.fov is None else perspective_view(image, ref.yaw, ref.pitch, ref.fov)


def views_of(image: np.ndarray, refs: Sequence[ImageRef]) -> list[np.ndarray]:
    """What resolved references show of their whole picture: what their masks leave, and of that their views.

    Raises:
        BadImageError: a view of what is no panorama, or a mask that cannot be used.
    """
    left = {mask: _masked(image, mask) for mask in {ref.mask for ref in refs}}
    return [_view(left[ref.mask], ref) for ref in refs]


def image_size(ref: str | Path | ImageRef, root: str | Path | None = None) -> tuple[int, int]:
    """Width and height of what `open_image` gives; only the head of a file is decoded, unless EXIF turns the picture.

    Raises:
        BadImageError: see `open_image`; a file that is damaged behind its head is not noticed.
    """
    ref = resolve(ref, root)
    if ref.frame is None and ref.fov is None:
        try:
            with Image.open(io.BytesIO(read_bytes(ref.path))) as image:
                if image.getexif().get(ExifTags.Base.Orientation, 1) < 5:  # those above turn it by a quarter
                    return image.size
        except BadImageError:
            raise
        except Exception:  # decoders raise many kinds; opening it says what it is
            pass
    height, width = open_image(ref).shape[:2]
    return width, height


def resolve(ref: str | Path | ImageRef, root: str | Path | None = None) -> ImageRef:
    """The reference with its path joined to `root`, unless it is absolute or a URL."""
    if not isinstance(ref, ImageRef):
        ref = ImageRef.parse(str(ref))
    if root is None:
        return ref
    return replace(ref, path=_below(root, ref.path), mask=None if ref.mask is None else _below(root, ref.mask))


def _below(root: str | Path, path: str) -> str:
    if "://" in path or os.path.isabs(path):
        return path
    return f"{str(root).rstrip('/')}/{path}" if "://" in str(root) else os.path.join(root, path)


def read_bytes(path: str) -> bytes:
    """All bytes of a local file or an fsspec URL.

    Raises:
        BadImageError: the file is missing or cannot be read.
    """
    try:
        if "://" not in path:
            return Path(path).read_bytes()
        return _fetched(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadImageError(
            f"expected a picture at {path}, found: {reason}. Check the path and its root folder."
        ) from error


def _fetched(url: str) -> bytes:
    kept: dict[str, bytes] | None = getattr(_KEPT, "bytes", None)
    if kept is None:
        return read_url(url)
    if url not in kept:
        kept[url] = read_url(url)
    return kept[url]


@contextmanager
def fetching_once() -> Iterator[None]:
    """Within, this thread fetches a URL once: digest and pixels are of the same bytes, and half the traffic."""
    _KEPT.bytes = {}
    try:
        yield
    finally:
        _KEPT.bytes = None


def decode_image(data: bytes, name: str = "picture", max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decode the bytes of a picture file to uint8 H x W x 3 RGB; `name` is for messages.

    Raises:
        BadImageError: see `open_image`.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > max_pixels:
                raise BadImageError(_too_large(name, f"{image.width} x {image.height}", max_pixels))
            image.load()
            return np.array(_to_rgb(ImageOps.exif_transpose(image), name))
    except BadImageError:
        raise
    except UnidentifiedImageError as error:
        raise BadImageError(f"expected a picture, found {_sniff(data)}: {name}. {_advice(data)}") from error
    except Image.DecompressionBombError as error:
        raise BadImageError(_too_large(name, "far more", max_pixels)) from error
    except Exception as error:  # decoders of damaged files raise OSError, SyntaxError, struct.error, ...
        raise BadImageError(
            f"expected a whole picture, found one that is damaged or truncated: {name} ({error}). "
            "Copy it again, or leave it out with --skip-bad."
        ) from error


def image_digest(ref: str | Path | ImageRef, root: str | Path | None = None) -> str:
    """16 hex digits that change with the bytes of the file or its mask, or with the frame or view that is meant.

    A file is read once and again only when its size or time changes, so frames of a clip are cheap.

    Raises:
        BadImageError: the file is missing or cannot be read.
    """
    ref = resolve(ref, root)
    masked = [] if ref.mask is None else [_content(ref.mask)]
    return digest(_content(ref.path), replace(ref, mask=None).fragment, *masked)


def _content(path: str) -> str:
    if "://" in path:
        return hashlib.sha256(read_bytes(path)).hexdigest()
    try:
        status = os.stat(path)
        return _file_digest(path, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise BadImageError(
            f"expected a file at {path}, found: {error.strerror}. Check the path and its root folder."
        ) from error


@functools.lru_cache(maxsize=4096)
def _file_digest(path: str, size: int, mtime_ns: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _to_rgb(image: Image.Image, name: str) -> Image.Image:
    """8-bit RGB of any Pillow mode."""
    if image.has_transparency_data:
        over = Image.new("RGBA", image.size, "white")
        over.alpha_composite(image.convert("RGBA"))
        return over.convert("RGB")
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise BadImageError(f"expected 8 or 16 bits a channel, found 32: {name}. Convert it to 16 bits.")
        return Image.fromarray((values >> 8).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise BadImageError(f"expected 8 or 16 bits a channel, found floats: {name}. Convert it to 16 bits.")
    return image if image.mode == "RGB" else image.convert("RGB")


def _too_large(name: str, found: str, limit: int) -> str:
    return (
        f"expected at most {limit} pixels, found {found}: {name}. "
        "Shrink the picture, or raise max_pixels if you trust it."
    )


def _sniff(data: bytes) -> str:
    """What kind of file this is, for a message."""
    if data[4:8] == b"ftyp":
        brands = data[8:12] + data[16:40]
        if any(brand in brands for brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")):
            return "HEIC (a still of an H.265 camera), which is not supported"
        return "a video clip"
    signatures = {
        b"\xff\x0a": "JPEG XL, which is not supported",
        b"\x00\x00\x00\x0cJXL ": "JPEG XL, which is not supported",
        b"\x1aE\xdf\xa3": "a video clip",
        b"%PDF": "a PDF",
        b"<": "a text such as HTML or SVG",
        b"version https://git-lfs": "a Git LFS pointer instead of the file itself",
    }
    if not data:
        return "an empty file"
    return next((what for start, what in signatures.items() if data.startswith(start)), "unknown bytes")


def _advice(data: bytes) -> str:
    what = _sniff(data)
    if what == "a video clip":
        return "Name one frame, as in clip.mp4#frame=0."
    if "not supported" in what:
        return "Convert it to JPEG or PNG first, for example with heif-convert or ImageMagick."
    return "Give a JPEG, PNG, WebP, AVIF, TIFF or BMP, or leave it out with --skip-bad."
