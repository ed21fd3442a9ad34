"""The page in a real browser: load, pick, solve, save, reload, undo; by pointer, by keyboard, on a phone."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from town_job import true_walk

from lofivpr.alignment import Plan, fit_floor
from lofivpr.alignment.town_walk import METRES_PER_PIXEL
from lofivpr.places import Places, heading_difference

CHROMIUM = shutil.which("chromium")
expect.set_options(timeout=60_000)  # a busy machine, not a slow page
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        with playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]) as one:
            yield one


@pytest.fixture
def open_page(browser: Browser, served) -> Iterator[Callable[..., Page]]:
    """Opens the page at a size; at the end nothing may have gone wrong in it, or been asked of another host."""
    faults: list[str] = []
    pages: list[Page] = []

    def go(size: dict = WIDE, **options) -> Page:
        page = browser.new_page(viewport=size, **options)
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "console",
            lambda told: faults.append(told.text) if told.type == "error" and "422" not in told.text else None,
        )
        page.on("request", lambda asked: faults.append(asked.url) if not asked.url.startswith(served.address) else None)
        page.goto(served.address)
        expect(page.locator("#hint")).to_contain_text("Pick")
        pages.append(page)
        return page

    yield go
    for page in pages:
        page.close()
    assert faults == []


def at(page: Page, pane: str, point: np.ndarray) -> tuple[float, float]:
    """Where on the screen a point of a drawing is, by the browser's own transform."""
    script = "([id, x, y]) => { const s = document.getElementById(id); s.scrollIntoView({block: 'center'}); " \
        "const p = new DOMPoint(x, y).matrixTransform(s.getScreenCTM()); return [p.x, p.y]; }"  # fmt: skip
    x, y = page.evaluate(script, [pane, float(point[0]), float(point[1])])
    return x, y


def click(page: Page, pane: str, point: np.ndarray) -> None:
    page.mouse.click(*at(page, pane, point))


class Truth:
    """Where the poses are, on the floor and on the plan."""

    def __init__(self, served) -> None:
        self.walk = true_walk()
        trajectory = served.job.trajectory
        self.floor = fit_floor(trajectory).xy(trajectory.positions)
        self.plan = Plan(served.job.width, served.job.height, METRES_PER_PIXEL).to_pixels(self.walk.positions[:, :2])

    def pick(self, page: Page, pose: int, off: tuple[float, float] = (0, 0)) -> None:
        before = page.locator("#pairs li").count()
        click(page, "walk", self.floor[pose] * [1, -1])
        expect(page.locator("#walk .marker.pending")).to_have_count(1)
        click(page, "plan", self.plan[pose] + off)
        expect(page.locator("#pairs li")).to_have_count(before + 1)


@pytest.fixture
def truth(served) -> Truth:
    return Truth(served)


def metres(page: Page, name: str) -> float:
    text = page.locator(f"#{name}").inner_text()
    found = re.fullmatch(r"([\d.]+) m", text)
    assert found, text
    return float(found[1])


def set_scale(page: Page) -> None:
    page.click("#measure")
    click(page, "plan", np.array([200, 300]))
    click(page, "plan", np.array([700, 300]))
    page.fill("#metres", "100")
    page.keyboard.press("Enter")
    expect(page.locator("#scale-note")).to_contain_text(re.compile(r"A pixel is 0\.(2|199|200)"))


def test_load_pick_solve_save_reload_undo(open_page: Callable[..., Page], served, truth: Truth) -> None:
    page = open_page()
    expect(page.locator("#save")).to_be_disabled()
    for pose in (3, 40):
        truth.pick(page, pose)
    expect(page.locator("#plan .way:not(.halo)")).to_have_count(1)
    for pose in (70, 100, 130):
        truth.pick(page, pose)
    set_scale(page)
    expect(page.locator("#rms")).to_contain_text("m")
    assert metres(page, "rms") < 0.5 and metres(page, "expected") < 0.5
    drawn = np.array([[float(v) for v in pair.split(",")] for pair in
                      page.locator("#plan .way:not(.halo)").get_attribute("points").split()])  # fmt: skip
    assert np.abs(drawn - truth.plan).max() * METRES_PER_PIXEL < 1.0

    page.click("#save")
    expect(page.locator("#hint")).to_contain_text("12 of 12 pictures")
    places = Places.open(served.job.files.places)
    right, looks = truth.walk.at(places.column("timestamp"))
    assert np.linalg.norm(places.xy() - right[:, :2], axis=1).max() < 1.0
    compass = np.degrees(np.arctan2(looks[:, 0], looks[:, 1]))
    assert heading_difference(places.column("heading_deg"), compass).max() < 3
    saved = json.loads(served.job.out.read_text())
    assert len(saved["draft"]["pairs"]) == 5 and saved["solution"]["rms"] < 0.5

    page.reload()
    expect(page.locator("#pairs li")).to_have_count(5)
    expect(page.locator("#rms")).to_contain_text("m")
    expect(page.locator("#save")).to_be_disabled()
    expect(page.locator("#undo")).to_be_disabled()
    truth.pick(page, 20)
    expect(page.locator("#save")).to_be_enabled()
    page.keyboard.press("Control+z")
    expect(page.locator("#pairs li")).to_have_count(5)
    expect(page.locator("#save")).to_be_disabled()
    page.click("#redo")
    expect(page.locator("#pairs li")).to_have_count(6)
    page.click("#undo")
    page.locator("#pairs li button").first.click()
    expect(page.locator("#pairs li")).to_have_count(4)
    page.click("#undo")
    expect(page.locator("#pairs li")).to_have_count(5)


def test_a_wrong_pair_is_seen_left_out_and_moved(open_page: Callable[..., Page], truth: Truth) -> None:
    page = open_page()
    for pose in (3, 40, 70, 100):
        truth.pick(page, pose)
    truth.pick(page, 130, off=(60, -50))
    set_scale(page)
    expect(page.locator("#rms")).to_contain_text("m")
    assert metres(page, "rms") > 2
    page.check("#robust")
    page.fill("#within", "1")
    page.keyboard.press("Enter")
    expect(page.locator("#pairs li.left")).to_have_count(1)
    expect(page.locator("#pairs li").nth(4)).to_contain_text("left out")
    assert metres(page, "rms") < 0.5
    page.mouse.move(*at(page, "plan", truth.plan[130] + (60, -50)))
    page.mouse.down()
    page.mouse.move(*at(page, "plan", truth.plan[130]), steps=4)
    page.mouse.up()
    expect(page.locator("#pairs li.left")).to_have_count(0)
    page.get_by_text("Affine", exact=True).click()
    expect(page.locator("#rms")).to_contain_text("m")
    assert metres(page, "rms") < 0.5


def test_by_keyboard_alone(open_page: Callable[..., Page], truth: Truth) -> None:
    """The cross walks along the trajectory, and over the plan; Enter picks, Escape takes half a pair back."""
    page = open_page()
    page.focus("#walk")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#hint")).to_contain_text("Now the plan")
    page.keyboard.press("Escape")
    expect(page.locator("#walk .marker")).to_have_count(0)
    page.keyboard.press("Enter")
    page.focus("#plan")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#pairs li")).to_have_count(1)
    found = page.evaluate("() => document.querySelector('#walk .marker').dataset.at").split()
    assert np.array(found, float) == pytest.approx(truth.floor[3] * [1, -1], abs=0.01)
    page.keyboard.press("Delete")
    expect(page.locator("#pairs li")).to_have_count(0)


def test_what_cannot_be_solved_is_said(open_page: Callable[..., Page], truth: Truth) -> None:
    page = open_page()
    page.get_by_text("Affine", exact=True).click()
    for pose in (3, 15, 27):
        truth.pick(page, pose)  # on the straight side of the block: they fix no affine map
    expect(page.locator("#trouble")).to_contain_text("do not lie almost on a line")
    truth.pick(page, 70)
    expect(page.locator("#trouble")).to_be_hidden()


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_nothing_sticks_out_and_pictures_are_seen(open_page: Callable[..., Page], truth: Truth, size: dict) -> None:
    page = open_page(size)
    for pose in (3, 70):
        truth.pick(page, pose)
    page.mouse.move(*at(page, "walk", truth.floor[40] * [1, -1]))
    expect(page.locator("#seen img")).to_have_js_property("naturalWidth", 128)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    for button in page.locator("button:visible").all():
        box = button.bounding_box()
        assert box["height"] >= (40 if size == PHONE else 28)
        assert 0 <= box["x"] and box["x"] + box["width"] <= size["width"]


def test_the_wheel_zooms_about_the_pointer_and_dragging_moves(open_page: Callable[..., Page], truth: Truth) -> None:
    page = open_page()
    x, y = at(page, "plan", truth.plan[3])
    page.mouse.move(x, y)
    page.mouse.wheel(0, -600)
    page.wait_for_function("document.querySelector('#plan').viewBox.baseVal.width < 600")
    assert at(page, "plan", truth.plan[3]) == pytest.approx((x, y), abs=1.0)
    page.mouse.down()
    page.mouse.move(x + 60, y + 40, steps=4)
    page.mouse.up()
    assert at(page, "plan", truth.plan[3]) == pytest.approx((x + 60, y + 40), abs=1.5)
    expect(page.locator("#plan .marker")).to_have_count(0)


def test_its_files_name_no_other_host() -> None:
    import lofivpr.serving.aligner as aligner

    for file in (Path(aligner.__file__).parent / "static").iterdir():
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|@import|//cdn", text), file
