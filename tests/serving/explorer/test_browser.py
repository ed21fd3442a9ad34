"""The page as people use it: Chromium, a real service, and a camera that shows a clip."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from lofivpr.serving import ApiKey

KEY = ApiKey("visitor", "visitor-0123456789abcdef")
STUDENT = ".model.m1 .places li"


def open_page(page: Page, service: Any, host: str = "127.0.0.1") -> None:
    page.goto(f"http://{host}:{service.port}/")


def settled(page: Page) -> None:
    """Everything that was asked for is there."""
    expect(page.locator("#heat:not(.stale) img")).to_have_count(3)
    expect(page.locator("#still")).not_to_have_class(re.compile("busy"))


def is_no_wider_than_the_window(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_sample_is_seen_through_a_channel_and_found_by_both_models(page: Page, explored: Any) -> None:
    open_page(page, explored)
    expect(page.locator("#screen-note")).to_contain_text("After 120p/h264:qp40")
    settled(page)
    assert page.locator("#samples button").count() == 12
    for colour in ("m0", "m1"):
        places = page.locator(f".model.{colour} .places li")
        expect(places).to_have_count(5)
        expect(places.locator("img")).to_have_count(5)
    expect(page.locator(".model.m0 h3")).to_contain_text("Teacher")
    right = page.locator(f"{STUDENT}.right")
    assert right.count() == 1 and "✓ right" in (right.text_content() or "")
    assert "m" in right.inner_text() and page.locator(f"{STUDENT}.wrong").count() == 4
    expect(page.locator("#map .badge.m1").first).to_be_visible()
    expect(page.locator("#curve svg .point")).to_have_count(3)
    expect(page.locator("#curve svg .here")).to_have_count(1)
    expect(page.locator("#sure")).to_contain_text(re.compile(r"probability of \d+\s%|No answer"))
    assert page.locator("#heat figcaption").all_inner_texts()[0] == "Teacher on the sharp picture"


def test_sliders_change_the_bytes_and_what_is_asked(page: Page, explored: Any) -> None:
    open_page(page, explored)
    expect(page.locator("#bytes")).to_have_text(re.compile(r"\d+ B|kB"))
    settled(page)
    fine = page.locator("#bytes").inner_text()
    picture = page.locator("#arrived").get_attribute("src")
    page.locator("#setting").fill("1")  # the far left: QP 51
    expect(page.locator("#screen-note")).to_contain_text("After 120p/h264:qp51")
    expect(page.locator("#bytes")).not_to_have_text(fine)
    assert page.locator("#arrived").get_attribute("src") != picture
    page.locator("#resolution").fill("3")
    expect(page.locator("#pixels")).to_have_text("80 × 60")
    page.get_by_text("JPEG", exact=True).click()
    expect(page.locator("#screen-note")).to_contain_text("After 60p/jpeg:10")
    page.get_by_text("none", exact=True).click()
    expect(page.locator("#bytes")).to_have_text("–")
    expect(page.locator("#setting")).to_be_hidden()


def test_the_last_of_many_moves_is_what_is_shown(page: Page, explored: Any) -> None:
    """Moves come faster than answers: one question is on its way, and the last setting is asked next."""
    open_page(page, explored)
    settled(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/preview" in request.url else None)
    for value in range(12, 52):
        page.evaluate("v => { const s = document.querySelector('#setting'); s.value = v; "
                      "s.dispatchEvent(new Event('input')); }", value)  # fmt: skip
    expect(page.locator("#screen-note")).to_contain_text("After 120p/h264:qp1,")
    settled(page)
    assert 1 < len(asked) < 40


def test_all_of_it_by_keyboard(page: Page, explored: Any) -> None:
    open_page(page, explored)
    settled(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("#tab-still").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#live")).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "tab-live"
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#still")).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "file"
    outline = "getComputedStyle(document.querySelector('.drop')).outlineStyle"
    assert page.evaluate(outline) == "solid", "the focus is seen"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Sample 2", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#still")).not_to_have_class(re.compile("busy"))
    page.locator("#resolution").focus()
    before = page.locator("#resolution").get_attribute("aria-valuetext")
    page.keyboard.press("ArrowLeft")
    assert (before, page.locator("#resolution").get_attribute("aria-valuetext")) == ("120 lines", "90 lines")
    expect(page.locator("#pixels")).to_have_text("120 × 90")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#screen-note")).to_contain_text("h265")
    page.locator("#compare").focus()
    page.keyboard.press("Space")
    expect(page.locator("#original")).to_be_visible()


@pytest.mark.parametrize("width", [390, 320])
def test_a_phone_s_width_is_enough(width: int, page: Page, explored: Any) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    open_page(page, explored)
    settled(page)
    assert is_no_wider_than_the_window(page)
    page.get_by_role("tab", name="Live camera").click()
    assert is_no_wider_than_the_window(page)


def test_a_file_of_one_s_own(page: Page, explored: Any, street: Any, tmp_path: Path) -> None:
    open_page(page, explored)
    settled(page)
    (tmp_path / "notes.jpg").write_text("no picture at all")
    page.set_input_files("#file", tmp_path / "notes.jpg")
    expect(page.get_by_role("alert")).to_contain_text("Expected a picture as JPEG, PNG")
    page.set_input_files("#file", street.places / "query-09.png")
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(page.locator("#found-lead")).to_contain_text("not known")
    expect(page.locator(STUDENT)).to_have_count(5)
    expect(page.locator(f"{STUDENT} .mark")).to_have_count(0)
    assert page.locator("#samples [aria-pressed=true]").count() == 0


def test_a_service_that_is_gone_is_said_in_words(page: Page, serve_street: Any) -> None:
    with serve_street() as service:
        open_page(page, service)
        settled(page)
    page.locator("#setting").fill("30")
    expect(page.get_by_role("alert")).to_contain_text("The service does not answer")
    with serve_street(port=service.port):
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_role("alert")).to_be_hidden()
        expect(page.locator("#screen-note")).to_contain_text("qp22")


def test_a_key_is_asked_for(page: Page, serve_street: Any) -> None:
    with serve_street(api_keys=(KEY,)) as service:
        open_page(page, service)
        field = page.get_by_label("This service asks for an API key")
        expect(field).to_be_focused()
        field.fill("a-wrong-key-0123456789")
        page.keyboard.press("Enter")
        page.wait_for_load_state()
        expect(field).to_be_focused()
        field.fill(KEY.secret)
        page.keyboard.press("Enter")
        settled(page)
        expect(page.locator(f"{STUDENT} img")).to_have_count(5)
        page.get_by_role("tab", name="Live camera").click()
        page.click("#start")
        expect(page.locator("#live-note")).to_contain_text("as sent, frame")


def test_a_map_without_pictures_model_or_calibration(page: Page, serve_street: Any, street: Any) -> None:
    with serve_street(places=None, model=street.teacher) as service:
        open_page(page, service)
        expect(page.locator("#empty")).to_contain_text("Choose a picture")
        page.set_input_files("#file", street.places / "query-09.png")
        expect(page.locator(STUDENT)).to_have_count(5)
        expect(page.locator(".model")).to_have_count(1)
        expect(page.locator("#found-lead")).to_contain_text("--places")
        expect(page.locator("#sure")).to_contain_text("not calibrated")
        expect(page.locator("#curve")).to_contain_text("No curve yet")
    with serve_street(model=None) as service:
        open_page(page, service)
        expect(page.locator("#empty")).to_contain_text("runs no model")
        page.get_by_role("tab", name="Live camera").click()
        expect(page.locator("#start")).to_be_disabled()


def test_the_camera_is_streamed_by_every_codec_there_is(page: Page, explored: Any) -> None:
    open_page(page, explored)
    page.get_by_role("tab", name="Live camera").click()
    offered = page.locator("#live-codec option")
    expect(offered.last).to_have_attribute("value", "jpeg")
    codecs = [option.get_attribute("value") for option in offered.all()]
    assert "vp9" in codecs, "every Chromium has it"
    page.click("#start")
    for codec in codecs:
        before = explored.metric("lofivpr_answers_total", source="stream", answered="true") + explored.metric(
            "lofivpr_answers_total", source="stream", answered="false"
        )
        page.select_option("#live-codec", codec)
        name = {"h264": "H.264", "vp9": "VP9", "jpeg": "JPEG"}[codec or ""]
        expect(page.locator("#live-note")).to_contain_text(f"{name}, 240 × 180: as sent")
        expect(page.locator("#live-places li img")).to_have_count(5)
        after = explored.metric("lofivpr_answers_total", source="stream", answered="true") + explored.metric(
            "lofivpr_answers_total", source="stream", answered="false"
        )
        assert after > before
    assert re.fullmatch(r"[\d.]+ kbit/s", page.locator("#rate").inner_text())
    assert page.evaluate("document.querySelector('#sent').getContext('2d').getImageData(0, 0, 240, 180).data"
                         ".some((value, at) => at % 4 < 3 && value > 0)"), "what was sent is shown"  # fmt: skip
    page.locator("#live-height").fill("1")
    expect(page.locator("#live-note")).to_contain_text("120 × 90")
    page.check("#live-follow")
    expect(page.locator("#live-key")).to_contain_text("earlier answers")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#live-note")).to_have_text("Stopped. Nothing is sent.")


def test_without_webcodecs_frames_are_jpeg_files(page: Page, explored: Any) -> None:
    page.add_init_script("delete window.VideoEncoder")
    open_page(page, explored)
    page.get_by_role("tab", name="Live camera").click()
    expect(page.locator("#live-codec option")).to_have_text(["JPEG, a file a frame"])
    page.click("#start")
    expect(page.locator("#live-note")).to_contain_text("JPEG, 240 × 180: as sent")


def test_a_stream_comes_back_when_the_service_does(page: Page, serve_street: Any) -> None:
    with serve_street() as service:
        open_page(page, service)
        page.get_by_role("tab", name="Live camera").click()
        page.click("#start")
        expect(page.locator("#live-note")).to_contain_text("as sent")
    expect(page.locator("#live-note")).to_contain_text("No stream:")
    with serve_street(port=service.port):
        expect(page.locator("#live-note")).to_contain_text("as sent")


def test_a_page_that_may_not_use_the_camera_says_why(page: Page, explored: Any) -> None:
    open_page(page, explored, host="robot.example")
    page.get_by_role("tab", name="Live camera").click()
    page.click("#start")
    expect(page.locator("#live-note")).to_contain_text("secure pages only")
