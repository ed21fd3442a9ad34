from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from lofivpr.evaluation import Results
from lofivpr.evaluation.claims import descriptor_claims, recovery_claims, share_text
from lofivpr.evaluation.table import rivals
from lofivpr.evaluation.thumbs import thumbnail

VOID = {"meta", "img", "br", "source"}


class Page(HTMLParser):
    """Collects text and addresses, and checks that every element is closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.tags: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "srcset", "href")]
        assert tag != "img" or dict(attrs).get("alt")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def page(compared: Results, tmp_path_factory: pytest.TempPathFactory) -> tuple[Page, str]:
    path = compared.report(tmp_path_factory.mktemp("report") / "report.html")
    html = path.read_text(encoding="utf-8")
    return Page(html), html


def test_the_report_is_one_file(page: tuple[Page, str]) -> None:
    """Nothing is fetched and nothing runs: no address but data, no script, no import, no url()."""
    parsed, html = page
    assert parsed.addresses and all(address.startswith("data:image/") for address in parsed.addresses)
    assert "script" not in parsed.tags and "link" not in parsed.tags
    assert not re.search(r"https?://|@import|url\(", re.sub(r"base64,[A-Za-z0-9+/=]+", "", html))


def test_figures_inside_are_whole_and_fetch_nothing(page: tuple[Page, str]) -> None:
    kinds = set()
    for address in page[0].addresses:
        head, _, data = address.partition(";base64,")
        content = base64.b64decode(data, validate=True)
        kinds.add(head)
        if head == "data:image/svg+xml":
            assert b"</svg>" in content and not re.search(rb'href="http|url\(["\']?http', content)
        else:
            Image.open(io.BytesIO(content)).load()
    assert kinds == {"data:image/svg+xml", "data:image/jpeg"}


def test_every_number_of_the_table_is_there_with_its_interval(page: tuple[Page, str], compared: Results) -> None:
    for row in compared.rows:
        low, high = row.interval[1]
        assert f"{row.recall[1]:.1f} [{low:.1f}, {high:.1f}]" in page[0].text
        assert row.protocol in page[0].text
    for change in compared.differences:
        if change.n == 1:
            assert f"{change.mean:+.1f} [{change.low:+.1f}, {change.high:+.1f}]".replace("-", "−") in page[0].text


def test_shares_bounds_and_descriptors_are_said(page: tuple[Page, str], compared: Results) -> None:
    text = page[0].text
    assert "Recovered share" in text and "Or send the descriptor" in text
    for claim in [*recovery_claims(compared), *descriptor_claims(rivals(compared, "student"), "student")]:
        assert " ".join(claim.split()) in text
    for share in compared.recovered.rungs:
        assert " ".join(share_text(share.share, share.interval).split()) in text
    for row in compared.descriptor_rate:
        assert row.recall is None or f"{row.recall[1]:.1f} [{row.interval[1][0]:.1f}" in text
        assert row.refused is None or row.refused in text


def test_both_papers_are_offered(page: tuple[Page, str]) -> None:
    assert page[1].count("(prefers-color-scheme: dark)") >= 3
    assert page[0].tags.count("picture") == 3


def test_right_and_wrong_are_said_in_words_too(page: tuple[Page, str]) -> None:
    assert "✓ right" in page[0].text and "✗ wrong" in page[0].text


def test_photographs_can_be_left_out(compared: Results, tmp_path: Path) -> None:
    parsed = Page(compared.report(tmp_path / "r.html", pictures=False).read_text())
    assert all(address.startswith("data:image/svg") for address in parsed.addresses)


def test_one_row_without_positions_makes_a_report(make_results: Callable[..., Results], tmp_path: Path) -> None:
    results = make_results({("<b>m</b>", "60p"): [1, 0, 1]}, {}, {})
    path = results.report(tmp_path / "r.html", title="A & B")
    html = path.read_text()
    assert Page(html).text.startswith("A & B") and "&lt;b&gt;m&lt;/b&gt;" in html and "<b>m" not in html


def test_one_model_compares_its_two_qualities(make_results: Callable[..., Results], tmp_path: Path) -> None:
    results = make_results({("m", "raw"): [1] * 8, ("m", "60p"): [1, 0] * 4}, {}, {})
    assert "60p costs m 50.0 points" in Page(results.report(tmp_path / "r.html").read_text()).text


def test_thumbnails_have_their_width_and_keep_blocks() -> None:
    import numpy as np

    tiny = np.zeros((3, 4, 3), np.uint8)
    tiny[:, 2:] = 255
    data = base64.b64decode(thumbnail(tiny, width=200).partition(",")[2])
    large = np.asarray(Image.open(io.BytesIO(data)).convert("L"))
    assert large.shape == (150, 200)
    assert large[:, :95].max() < 20 and large[:, 105:].min() > 235  # enlarged without smoothing
