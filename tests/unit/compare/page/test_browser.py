"""The page in a real browser, from a file and without a network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from run_folders import METRIC, write_failure, write_run, write_sweep

from gan_lightning.compare.comparison import compare
from gan_lightning.compare.counted_runs import Wish
from gan_lightning.compare.finding import find_runs
from gan_lightning.compare.page.html import page
from gan_lightning.compare.report.contents import report
from gan_lightning.compare.report.page import report_page
from gan_lightning.compare.runs import read_run

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SIZES = {"desktop": (1200, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve recipes with long names, so that colours come again and tables are wide; and a hostile name."""
    folder = tmp_path_factory.mktemp("browser")
    for width in range(4):
        typed = [
            f"model.generator.a_rather_long_name_of_an_option={width}",
            f"x=<script>alert({width})</script>",
        ]
        write_sweep(
            folder / str(width),
            {"hinge": [20 + width, 22], "minimax": [9 - width, 15], "non_saturating": [30, 31 + width]},
            pictures=True,
            typed=typed,
            options={"model": {"generator": {"width": width}}},
        )
    write_failure(write_run(folder / "cut", seed=7, status=None), "No longer finite.")
    comparison = compare([read_run(run) for run in find_runs([str(folder)])], Wish(METRIC))
    (target := folder / "page with spaces.html").write_text(page(comparison), encoding="utf-8")
    return target


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
    if CHROMIUM is None:
        pytest.skip("needs Chromium on this machine: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        # as root, as in a container, Chromium can't make the sandbox; what it opens here is our own page
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=sandbox)
        yield browser
        browser.close()


class Opened:
    """The page, and what the browser complained of while it was open."""

    def __init__(self, browser: Any, file: Path, size: tuple[int, int], scheme: str = "light") -> None:
        self.context = browser.new_context(
            viewport=dict(zip(("width", "height"), size, strict=True)), color_scheme=scheme, offline=True
        )
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri())


@pytest.fixture(scope="module", params=SIZES)
def opened(request: pytest.FixtureRequest, browser: Any, file: Path) -> Iterator[Opened]:
    opened = Opened(browser, file, SIZES[request.param])
    yield opened
    opened.context.close()


def test_it_opens_quietly_and_asks_for_nothing(opened: Opened, file: Path) -> None:
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith("data:")] == [file.as_uri()]


def test_it_does_not_scroll_sideways(opened: Opened) -> None:
    opened.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    width, room = opened.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width <= room
    boxes = opened.page.evaluate("[...document.querySelectorAll('.scroll')].map(each => each.clientWidth)")
    assert max(boxes) <= room


def test_pictures_are_shown(opened: Opened) -> None:
    sizes = opened.page.evaluate("[...document.images].map(i => [i.complete, i.naturalWidth, i.clientWidth])")
    assert len(sizes) == 12 * 3 + 1
    assert all(complete and natural == 64 and shown > 0 for complete, natural, shown in sizes)


def test_text_in_the_chart_is_large_enough_to_read(opened: Opened) -> None:
    """A drawing that shrinks with the screen shrinks its letters too."""
    chart = opened.page.locator(".chart:visible")
    assert chart.count() == 1
    height = chart.locator("text.y").first.evaluate("each => each.getBoundingClientRect().height")
    assert height > 11


def column(opened: Opened, heading: str) -> list[float]:
    """Values in the order in which they stand."""
    table = opened.page.locator("table.sortable").first
    index = table.locator("thead th").all_inner_texts().index(heading)
    cells = table.locator(f"tbody tr > :nth-child({index + 1})").evaluate_all(
        "cells => cells.map(c => c.dataset.value)"
    )
    return [float(cell) for cell in cells]


def test_a_heading_sorts_by_mouse_and_by_keyboard(browser: Any, file: Path) -> None:
    opened = Opened(browser, file, SIZES["desktop"])
    before = column(opened, "best")
    head = opened.page.locator("table.sortable thead th", has_text="final").first
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    finals = column(opened, head.inner_text())
    assert finals == sorted(finals)
    opened.page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert column(opened, head.inner_text()) == sorted(finals, reverse=True)
    assert sorted(column(opened, "best")) == sorted(before)
    names = opened.page.locator("table.sortable thead th", has_text="recipe").first
    names.locator("button").focus()
    opened.page.keyboard.press("Space")
    shown = opened.page.locator("table.sortable").first.locator("tbody th").all_inner_texts()
    assert shown == sorted(shown)
    assert head.get_attribute("aria-sort") is None
    assert opened.complaints == []
    opened.context.close()


def test_curves_are_read_by_pointer_and_by_keyboard(opened: Opened) -> None:
    chart = opened.page.locator(".chart:visible")
    reading = chart.locator(".reading")
    assert not reading.is_visible()
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    opened.page.mouse.move(box["x"] + box["width"] * 0.98, box["y"] + box["height"] / 2)
    assert reading.inner_text().startswith("3 kimg")
    assert reading.locator("div").count() == 12
    left, right = reading.evaluate("each => [each.getBoundingClientRect().left, each.getBoundingClientRect().right]")
    assert left >= 0
    assert right <= opened.page.viewport_size["width"]
    opened.page.mouse.move(0, 0)
    assert not reading.is_visible()
    chart.focus()
    opened.page.keyboard.press("ArrowRight")
    assert reading.inner_text().startswith("1 kimg")
    opened.page.keyboard.press("ArrowRight")
    assert reading.inner_text().startswith("2 kimg")
    opened.page.keyboard.press("Escape")
    assert not reading.is_visible()


def test_a_name_in_the_legend_brings_its_curve_out(opened: Opened) -> None:
    lines = opened.page.locator(".chart:visible g")
    name = opened.page.locator(".legend button").first

    def faint() -> int:
        return sum(float(each) < 1 for each in lines.evaluate_all("all => all.map(e => getComputedStyle(e).opacity)"))

    assert faint() == 0
    name.click()
    assert faint() == 11
    assert name.get_attribute("aria-pressed") == "true"
    name.click()
    assert faint() == 0


def test_a_hostile_name_is_read_out_as_text(opened: Opened) -> None:
    opened.page.locator(".chart:visible").focus()
    opened.page.keyboard.press("ArrowRight")
    assert "x=<script>alert(1)</script>" in opened.page.locator(".chart:visible .reading").inner_text()
    assert opened.page.locator("script").count() == 1
    assert opened.complaints == []


@pytest.fixture(scope="module", params=SIZES)
def single(request: pytest.FixtureRequest, browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """The report of a single run."""
    folder = tmp_path_factory.mktemp("single")
    run = write_run(folder / "run", pictures=True, typed=[f"a_rather_long_name={'x' * 200}"])
    (target := folder / "report.html").write_text(report_page(report([read_run(run)], "images")), encoding="utf-8")
    opened = Opened(browser, target, SIZES[request.param])
    yield opened
    opened.context.close()


def test_a_report_opens_quietly_and_does_not_scroll_sideways(single: Opened) -> None:
    assert single.complaints == []
    assert [url for url in single.requests if not url.startswith(("data:", "file:"))] == []
    single.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    width, room = single.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width <= room
    height = single.page.locator(".chart text.y").first.evaluate("each => each.getBoundingClientRect().height")
    assert height > 11


def test_a_slider_turns_the_pictures_over_time(single: Opened) -> None:
    slider, shown = single.page.locator("#moment"), single.page.locator(".film img:visible")
    moment = single.page.locator(".film-control output")
    assert shown.count() == 2  # the last sheet, and the real images
    assert shown.first.get_attribute("data-caption") == moment.inner_text() == "3 kimg"
    slider.focus()
    single.page.keyboard.press("Home")
    assert shown.first.get_attribute("data-caption") == moment.inner_text() == "0 kimg"
    single.page.keyboard.press("ArrowRight")
    assert shown.count() == 2
    assert shown.first.get_attribute("data-caption") == slider.get_attribute("aria-valuetext") == "1 kimg"
    assert single.page.locator(".film figcaption").first.inner_text() == "run: 1 kimg"
    assert single.complaints == []


def luminance(colour: str) -> float:
    """Relative luminance of ``rgb(r, g, b)``, as WCAG 2.2 defines it."""
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_lines_stand_out(browser: Any, file: Path, scheme: str) -> None:
    """WCAG 2.2: 4.5 to 1 for text, 3 to 1 for what a drawing is made of."""
    opened = Opened(browser, file, SIZES["desktop"], scheme)
    ground = luminance(opened.page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert (ground > 0.5) is (scheme == "light")
    for selector, least in ((".lead", 4.5), (".quiet", 4.5), (".chart.wide .mean", 3), (".failed", 3)):
        colours = opened.page.locator(selector).evaluate_all("all => all.map(each => getComputedStyle(each).color)")
        for colour in set(colours):
            lower, higher = sorted((ground, luminance(colour)))
            assert (higher + 0.05) / (lower + 0.05) >= least, (selector, colour)
    opened.context.close()
