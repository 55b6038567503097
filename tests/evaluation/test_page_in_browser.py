"""The page in a real browser: it opens from disk, alone, sorts and filters, and is quick with 900 scans."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, find_chromium
from evaluation_maker import make_evaluation

from lungmonai.evaluation.page import write_page

_VISIBLE = "[...document.querySelectorAll('#{} [data-items] > *')].filter(one => one.checkVisibility())"
_SCANS = _VISIBLE.format("scans") + ".map(row => row.cells[{}].textContent)"
_NAMES = ".map(card => card.querySelector('h3').firstChild.textContent.trim())"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = find_chromium()
    if program is None:
        pytest.skip("there is no Chromium or Chrome to open the page with")
    browser = Browser(program, tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def evaluation() -> dict[str, Any]:
    return make_evaluation(40, seed=5, failed=1)


@pytest.fixture(scope="module")
def address(evaluation: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "evaluation.html"
    write_page(evaluation, path, picture=lambda *place: _png(), most_pictures=10)
    return path.as_uri()


def _png() -> bytes:
    import io

    from PIL import Image

    packed = io.BytesIO()
    Image.new("L", (192, 192), 90).save(packed, format="PNG")
    return packed.getvalue()


def _complaints(browser: Browser) -> list[Any]:
    return [
        *browser.of("Runtime.exceptionThrown"),
        *browser.of("Runtime.consoleAPICalled"),
        *browser.of("Log.entryAdded"),
    ]


def _requests(browser: Browser) -> list[str]:
    sent = [event["request"]["url"] for event in browser.of("Network.requestWillBeSent")]
    return [url for url in sent if not url.startswith("data:")]


def _work_seconds(browser: Browser) -> float:
    """What the page has cost the processor so far, whatever else the machine does."""
    metrics = browser.ask("Performance.getMetrics")["metrics"]
    return next(float(one["value"]) for one in metrics if one["name"] == "TaskDuration")


def _good(evaluation: dict[str, Any]) -> list[dict[str, Any]]:
    return [scan for scan in evaluation["scans"] if not scan["failed"]]


def test_it_opens_from_disk_and_asks_for_nothing(chromium: Browser, address: str) -> None:
    chromium.open(address)
    assert _complaints(chromium) == []
    assert _requests(chromium) == [address]
    assert chromium.evaluate("[...document.images].every(image => image.naturalWidth === 192)")
    assert chromium.evaluate("document.images.length") == 20


def test_the_policy_stops_what_does_not_belong_to_the_page(
    chromium: Browser, address: str, tmp_path: Path
) -> None:
    # The same page, with what an attacker would add: the test before would see it if it ran.
    text = Path(address.removeprefix("file://")).read_text(encoding="utf-8")
    extra = "<script>document.title = 'taken'</script><img src='http://127.0.0.1:9/x.png'>"
    (tmp_path / "bad.html").write_text(text.replace("</main>", extra + "</main>"), encoding="utf-8")
    chromium.open((tmp_path / "bad.html").as_uri())
    assert len(_complaints(chromium)) == 2
    assert chromium.evaluate("document.title") != "taken"
    (tmp_path / "open.html").write_text(extra, encoding="utf-8")
    chromium.open((tmp_path / "open.html").as_uri())
    assert "http://127.0.0.1:9/x.png" in _requests(chromium)


def test_a_heading_sorts_and_sorts_back(chromium: Browser, address: str, evaluation: dict[str, Any]) -> None:
    chromium.open(address)
    click = "document.querySelector('#scans th[data-key=false_positives] button').click()"
    head = "document.querySelector('#scans th[data-key=false_positives]').getAttribute('aria-sort')"
    for order, sign in (("descending", -1), ("ascending", 1)):
        chromium.evaluate(click)
        wanted = sorted(_good(evaluation), key=lambda scan: sign * scan["false_positives"])
        assert chromium.evaluate(_SCANS.format(0)) == [scan["seriesuid"] for scan in wanted]
        assert chromium.evaluate(head) == order
    assert chromium.evaluate("document.querySelectorAll('#scans th[aria-sort=none]').length") == 7
    assert _complaints(chromium) == []


def test_the_address_keeps_the_order(chromium: Browser, address: str, evaluation: dict[str, Any]) -> None:
    chromium.open(address)
    chromium.evaluate("document.querySelector('#scans th[data-key=candidates] button').click()")
    shown = chromium.evaluate(_SCANS.format(7))
    assert shown == sorted(shown, key=int, reverse=True)
    shared = chromium.evaluate("location.href")
    chromium.open(shared)
    assert chromium.evaluate(_SCANS.format(7)) == shown


@pytest.mark.parametrize("key", ["diameter_mm", "-nodule_prob", "malignancy_prob"])
def test_cards_are_sorted_and_those_without_the_score_come_last(
    chromium: Browser, address: str, evaluation: dict[str, Any], key: str
) -> None:
    chromium.open(f"{address}#lost.sort={key}")
    by_name = {nodule["id"]: nodule for nodule in evaluation["nodules"]}
    scores = [
        by_name[name][key.removeprefix("-")] for name in chromium.evaluate(_VISIBLE.format("lost") + _NAMES)
    ]
    known = [score for score in scores if score is not None]
    assert known == sorted(known, reverse=key.startswith("-"))
    assert scores[len(known) :] == [None] * (len(scores) - len(known))
    assert len(known) > 1


def test_a_stage_of_the_waterfall_shows_its_nodules(
    chromium: Browser, address: str, evaluation: dict[str, Any]
) -> None:
    chromium.open(address)
    links = "[...document.querySelectorAll('.waterfall a')]"
    chromium.evaluate(links + ".find(one => one.textContent === 'eroded away').click()")
    chromium.evaluate("new Promise(done => setTimeout(done, 100))")
    shown = chromium.evaluate(_VISIBLE.format("lost") + _NAMES)
    wanted = {nodule["id"] for nodule in evaluation["nodules"] if nodule["stage"] == "eroded away"}
    assert set(shown) == wanted
    said = chromium.evaluate("document.querySelector('#lost [role=status]').textContent")
    lost = sum(nodule["stage"] != "found" for nodule in evaluation["nodules"])
    assert said == f"{len(wanted)} of {lost} shown"
    assert abs(chromium.evaluate("document.querySelector('#lost').getBoundingClientRect().top")) < 400


def test_a_stage_that_is_called_like_a_place_shows_its_reports_only(
    chromium: Browser, tmp_path: Path
) -> None:
    evaluation = make_evaluation(3, seed=5)
    false = evaluation["false_positives"][:3]
    false[0].update(stage="on an excluded finding", location="outside the lungs")
    false[1].update(stage="outside the lungs", location="outside the lungs")
    write_page({**evaluation, "false_positives": false}, tmp_path / "page.html")
    chromium.open((tmp_path / "page.html").as_uri() + "#false.filter=outside+the+lungs")
    assert chromium.evaluate(_VISIBLE.format("false") + _NAMES) == [false[1]["id"]]
    chromium.open((tmp_path / "page.html").as_uri() + "#false.filter=outside")
    assert len(chromium.evaluate(_VISIBLE.format("false") + _NAMES)) >= 2


def test_typing_filters_scans(chromium: Browser, address: str, evaluation: dict[str, Any]) -> None:
    chromium.open(address)
    wanted = _good(evaluation)[7]
    field = "document.querySelector('#scans input')"
    chromium.evaluate(
        f"{field}.value = '{wanted['patient'].lower()}'; {field}.dispatchEvent(new Event('input'))"
    )
    assert chromium.evaluate(_SCANS.format(0)) == [wanted["seriesuid"]]


def test_an_address_that_makes_no_sense_changes_nothing(
    chromium: Browser, address: str, evaluation: dict[str, Any]
) -> None:
    chromium.open(f"{address}#scans.sort=__proto__&lost.sort=%22]&nothing.sort=x&%FF=%")
    assert chromium.evaluate(_SCANS.format(0)) == [scan["seriesuid"] for scan in _good(evaluation)]
    assert _complaints(chromium) == []


def test_the_keyboard_reaches_everything(chromium: Browser, address: str) -> None:
    chromium.open(address)
    reached = set()
    for _ in range(45):
        for kind in ("keyDown", "keyUp"):
            chromium.ask("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        reached.add(
            chromium.evaluate("document.activeElement.tagName + ' ' + document.activeElement.className")
        )
    assert {"A skip", "SELECT ", "INPUT ", "BUTTON ", "DIV scroll tall"} <= reached


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out_on_a_narrow_or_wide_screen(
    chromium: Browser, address: str, width: int, scheme: str
) -> None:
    mobile = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    chromium.ask("Emulation.setDeviceMetricsOverride", **mobile)
    chromium.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    chromium.open(address)
    assert chromium.evaluate("document.documentElement.scrollWidth") <= width
    ground = chromium.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(16, 19, 23)") == (scheme == "dark")
    chromium.ask("Emulation.clearDeviceMetricsOverride")


def test_print_shows_every_scan_on_white(chromium: Browser, address: str) -> None:
    chromium.open(address)
    chromium.ask("Emulation.setEmulatedMedia", media="print", features=[])
    box = "document.querySelector('.tall')"
    assert chromium.evaluate(f"{box}.scrollHeight <= {box}.clientHeight + 1")
    assert chromium.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not chromium.evaluate("document.querySelector('.controls').checkVisibility()")
    chromium.ask("Emulation.setEmulatedMedia", media="", features=[])


def test_nine_hundred_scans_are_sorted_in_a_moment(chromium: Browser, tmp_path: Path) -> None:
    write_page(make_evaluation(900), tmp_path / "page.html", most_pictures=1)
    chromium.open((tmp_path / "page.html").as_uri())
    assert chromium.evaluate("document.querySelectorAll('#scans tbody tr').length") == 900
    chromium.ask("Performance.enable", timeDomain="threadTicks")
    before = _work_seconds(chromium)
    chromium.evaluate(
        "document.querySelector('#scans th[data-key=found] button').click();"
        "document.body.getBoundingClientRect()"
    )
    assert _work_seconds(chromium) - before < 0.5
    assert _complaints(chromium) == []
