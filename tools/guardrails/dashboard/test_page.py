"""The page in Chromium: it asks for nothing, complains of nothing, fits a phone, and can be read in both schemes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.guardrails.dashboard.rendering import write
from tools.guardrails.dashboard.testing_browser import Browser, BrowserError, browser
from tools.guardrails.dashboard.testing_dashboard import dashboard, hostile, usual

SCHEMES = ("light", "dark")
LEAST_CONTRAST = 4.5
"""Of text, by level AA of WCAG 2.1."""

CONTRASTS = """(() => {
  const parse = (text) => text.match(/[0-9.]+/g).map(Number);
  const shown = (text) => { const c = parse(text); return c.length < 4 || c[3] > 0.99; };
  const light = (text) => {
    const linear = (c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = parse(text).map((c) => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element, x, y) => {
    for (const below of document.elementsFromPoint(x, y)) {
      const style = getComputedStyle(below);
      if (below.tagName === "rect" && style.fill !== "none" && shown(style.fill)) return style.fill;
      if (!(below instanceof SVGElement) && shown(style.backgroundColor)) return style.backgroundColor;
    }
    return getComputedStyle(document.body).backgroundColor;
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest("script, title, desc, caption")) continue;
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    const ink = element instanceof SVGElement ? style.fill : style.color;
    const back = behind(element, box.x + box.width / 2, box.y + box.height / 2);
    const [a, b] = [light(ink), light(back)].sort((m, n) => n - m);
    found.push([(a + 0.05) / (b + 0.05), walker.currentNode.data.trim()]);
  }
  return found;
})()"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    write(usual(folder / "ledger"), folder)
    return folder / "dashboard.html"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [390, 1200])
def test_the_page_asks_for_nothing_and_complains_of_nothing(
    chromium: Browser, page: Path, width: int, scheme: str
) -> None:
    opened = chromium.open(page, width=width, scheme=scheme)
    assert opened.complaints == []
    asked = [each for each in opened.requests if not each.startswith("data:")]
    assert asked == [page.as_uri()]
    assert opened.value("document.documentElement.scrollWidth") <= width


def test_a_complaint_and_a_request_would_be_seen(chromium: Browser, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<img src='missing.png'><p style='width:2000px'>x</p><script>nothing.at.all</script>"
    )
    opened = chromium.open(bad, width=390)
    assert len(opened.complaints) >= 1
    assert (tmp_path / "missing.png").as_uri() in opened.requests
    assert opened.value("document.documentElement.scrollWidth") > 390


def test_wide_tables_scroll_inside_their_boxes(chromium: Browser, page: Path) -> None:
    opened = chromium.open(page, width=390)
    wider = "[...document.querySelectorAll('.box')].filter((box) => box.scrollWidth > box.clientWidth).length"
    assert opened.value(wider) > 0


def test_every_chart_has_a_title_and_a_description(chromium: Browser, page: Path) -> None:
    opened = chromium.open(page)
    charts = opened.value(
        "[...document.querySelectorAll('svg.chart')].map((svg) => [svg.getAttribute('role'),"
        " svg.querySelector(':scope > title').textContent, svg.querySelector(':scope > desc').textContent])"
    )
    assert len(charts) == 9  # four quantities of two scenarios, and the reasons
    assert all(role == "img" and title and len(about) > 40 for role, title, about in charts)
    assert opened.value("document.querySelectorAll('svg.budget').length") == 5
    sizes = "[...document.querySelectorAll('svg')].every((svg) => svg.getBoundingClientRect().width > 100)"
    assert opened.value(sizes) is True


@pytest.mark.parametrize("scheme", SCHEMES)
def test_all_text_can_be_read(chromium: Browser, page: Path, scheme: str) -> None:
    opened = chromium.open(page, height=9000, scheme=scheme)
    contrasts = opened.value(CONTRASTS)
    assert len(contrasts) > 300
    faint = [(ratio, text) for ratio, text in contrasts if ratio < LEAST_CONTRAST]
    assert faint == []


def test_the_schemes_differ(chromium: Browser, page: Path) -> None:
    back = "getComputedStyle(document.body).backgroundColor"
    light, dark = (chromium.open(page, scheme=scheme).value(back) for scheme in SCHEMES)
    assert light != dark


def test_a_click_sorts_a_table_by_number_and_another_turns_it_around(
    chromium: Browser, page: Path
) -> None:
    opened = chromium.open(page)
    table = "document.querySelector('#startup').closest('section').querySelector('table')"
    column = f"[...{table}.tBodies[0].rows].map((row) => row.cells[0].textContent)"
    newest_first = [f"run {n}" for n in range(6, 0, -1)]
    assert opened.value(column) == newest_first
    opened.value(f"{table}.tHead.querySelector('button').click()")
    assert opened.value(column) == newest_first[::-1]
    assert opened.value(f"{table}.tHead.rows[0].cells[0].ariaSort") == "ascending"
    opened.value(f"{table}.tHead.querySelector('button').click()")
    assert opened.value(column) == newest_first


def test_hostile_records_do_nothing(chromium: Browser, tmp_path: Path) -> None:
    write(hostile(tmp_path / "ledger"), tmp_path)
    opened = chromium.open(tmp_path / "dashboard.html", width=390)
    assert opened.complaints == [] and len(opened.requests) == 1
    assert opened.value("document.title") == "llm-baremetal: service levels"
    assert "<script>document.title" in opened.value("document.body.textContent")
    assert opened.value("document.documentElement.scrollWidth") <= 390


def test_even_a_script_that_got_in_would_not_run(
    chromium: Browser, page: Path, tmp_path: Path
) -> None:
    torn = tmp_path / "torn.html"
    torn.write_text(page.read_text().replace("</h1>", "</h1><script>document.title='run'</script>"))
    opened = chromium.open(torn)
    assert opened.value("document.title") == "llm-baremetal: service levels"
    assert opened.complaints  # it says that it was refused


def test_an_empty_dashboard_is_a_page_too(chromium: Browser, tmp_path: Path) -> None:
    write(dashboard(tmp_path / "ledger"), tmp_path)
    opened = chromium.open(tmp_path / "dashboard.html", width=390)
    assert opened.complaints == []
    assert opened.value("document.querySelectorAll('svg').length") == 0
    assert "there is no data" in opened.value("document.body.textContent")


def test_without_chromium_the_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrowserError, match="install the Debian package chromium"):
        with browser(tmp_path):
            pass
