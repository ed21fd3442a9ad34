"""Colours, marks and type of every figure, on white and on dark paper."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure

matplotlib.use("Agg")  # figures go to files; no window system is asked for

# Okabe and Ito's colours, which stay apart in all common kinds of colour blindness; each is moved in
# lightness until it reads as a line on its paper. The first is for the reference, the next for its student.
_LIGHT = ("#5B6472", "#C8500A", "#0068A8", "#00795A", "#A8518A", "#9A6B00", "#3E8FC4", "#222222")
_DARK = ("#A9B3C1", "#FF9142", "#58B0F0", "#2FC79B", "#E592C5", "#F0C24B", "#8FD0FF", "#EEEEEE")
_LINES = ("-", (0, (5, 2)), (0, (1.5, 1.5)))
MARKERS = {
    "jpeg": "o",
    "webp": "D",
    "avif": "P",
    "png": "h",
    "h264": "s",
    "h265": "^",
    "av1": "v",
    "vp9": "<",
}
DESCRIPTOR_MARKER = "*"
DESCRIPTOR_LINES = ((0, (7, 2, 1.5, 2)), (0, (7, 2, 1.5, 2, 1.5, 2)))


@dataclass(frozen=True)
class Theme:
    """One paper: its inks, and the colours of the models in their order."""

    name: str
    ink: str
    soft: str
    grid: str
    paper: str
    right: str
    wrong: str
    colours: tuple[str, ...]

    def colour(self, index: int) -> str:
        """Colour of the model of this index; after eight they come again with another line."""
        return self.colours[index % len(self.colours)]

    def line(self, index: int) -> Any:
        """Line style of the model of this index."""
        return _LINES[index // len(self.colours) % len(_LINES)]


LIGHT = Theme("light", "#1B2330", "#5B6472", "#DFE4EA", "#FFFFFF", "#00795A", "#C0392B", _LIGHT)
DARK = Theme("dark", "#E8ECF2", "#A9B3C1", "#323B49", "#151A22", "#2FC79B", "#FF7B6B", _DARK)


def stylesheet() -> str:
    """Both papers for web pages: `--ink`, ..., `--m0` of `:root`, the dark one where the reader prefers it."""
    light, dark = (_properties(theme) for theme in (LIGHT, DARK))
    return f":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"


def _properties(theme: Theme) -> str:
    inks = {name: getattr(theme, name) for name in ("ink", "soft", "grid", "paper", "right", "wrong")}
    models = {f"m{number}": colour for number, colour in enumerate(theme.colours)}
    return " ".join(f"--{name}: {colour};" for name, colour in (inks | models).items())


@contextmanager
def styled(theme: Theme) -> Iterator[None]:
    """Draw in this theme: large labels, open axes, no clutter."""
    style: dict[Any, Any] = {
        "figure.facecolor": theme.paper,
        "axes.facecolor": theme.paper,
        "savefig.facecolor": theme.paper,
        "text.color": theme.ink,
        "axes.labelcolor": theme.ink,
        "xtick.color": theme.soft,
        "ytick.color": theme.soft,
        "axes.edgecolor": theme.grid,
        "grid.color": theme.grid,
        "grid.linewidth": 0.8,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "font.size": 13,
        "axes.labelsize": 13,
        "axes.titlesize": 14,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "xtick.labelsize": 12,
        "ytick.labelsize": 12,
        "legend.fontsize": 12,
        "legend.frameon": False,
    }
    with matplotlib.rc_context(style):
        yield


def render(figure: Figure, ending: str) -> bytes:
    """The figure as the bytes of a `png` or `svg` file; equal figures give equal bytes."""
    stream = io.BytesIO()
    # No date, no version, and no random names of clip paths: those are salted by the style.
    metadata = {"Date": None, "Creator": None} if ending == "svg" else {"Software": None}
    with matplotlib.rc_context({"svg.hashsalt": "lofivpr", "svg.fonttype": "path"}):
        figure.savefig(stream, format=ending, dpi=160, metadata=metadata)
    return stream.getvalue()


def codec_of(quality: str) -> str:
    """`jpeg` of `240p/jpeg:5`."""
    return quality.rpartition("/")[2].split(":")[0]


def marker_of(quality: str) -> str:
    """Marker of the quality's codec."""
    return MARKERS.get(codec_of(quality), "X")


def bytes_text(n_bytes: float | None) -> str:
    """`840 B`, `1.9 kB`, `24 kB` (1 kB = 1000 bytes); a dash for none."""
    if n_bytes is None:
        return "–"
    if n_bytes < 1000:
        return f"{n_bytes:.0f} B"
    if n_bytes < 1_000_000:
        return f"{n_bytes / 1000:.{1 if n_bytes < 10_000 else 0}f} kB"
    return f"{n_bytes / 1e6:.1f} MB"


def minus(text: str) -> str:
    """The text with a true minus sign in place of hyphens."""
    return text.replace("-", "−")


def round_ticks(low: float, high: float) -> Sequence[float]:
    """Round numbers (1, 2, 5 times a power of ten) within low .. high."""
    ticks = [m * 10.0**e for e in range(-3, 9) for m in (1, 2, 5)]
    return [tick for tick in ticks if low <= tick <= high]
