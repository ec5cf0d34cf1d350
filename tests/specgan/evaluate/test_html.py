"""The page of an evaluation, in a real browser, and what stands behind it."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from specgan.evaluate.found import read
from specgan.evaluate.html import write_html
from specgan.evaluate.markdown import markdown
from specgan.evaluate.media import gather, wanted
from specgan.evaluate.plots import Strip, distribution, ticks
from vocoder.errors import InputError
from vocoder.signal import audio

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome", "microsoft-edge")
RATE, HOP = 22_050, 256
SYSTEMS = ("the recordings", "ours <b>", "Griffin-Lim")
IDS = [f"u{index:02}" for index in range(12)]
HOSTILE = "</script><script>throw new Error('from a text')</script> & \"quotes\""
PESQ = [3.0, 2.0, 4.0, 1.5, 3.5, 2.5, 1.0, 4.5, 2.2, 3.2, 2.8, 1.8]  # of ours; the worst are u06, u03, u11


def wave(index: int) -> np.ndarray:
    time = np.arange(RATE // 4 + index * HOP) / RATE
    return 0.3 * np.sin(2 * np.pi * (200 + 50 * index) * time).astype(np.float32)


def evaluation() -> dict[str, Any]:
    systems: dict[str, Any] = {}
    for place, system in enumerate(SYSTEMS):
        rows = []
        for index, id in enumerate(IDS):
            values = {
                "pesq": {0: 4.6, 1: PESQ[index], 2: 1.2 + index / 10}[place],
                "error": None if index == 5 else place * 0.01 * index,
                "ratio": 0.7 + index / 10,
            }
            details = {"text": HOSTILE if index == 6 else f"say number {index}", "heard": f"say umber {index}"}
            left_out = {"error": "silent"} if index == 5 else {}
            rows.append({"id": id, "values": values, "left_out": left_out, "details": details, "unheard of": [1]})
        scores = [row["values"]["pesq"] for row in rows]
        summary = {"pesq": {"mean": float(np.mean(scores)), "low": min(scores), "high": max(scores), "count": 12}}
        systems[system] = {"summary": summary, "utterances": rows}
    metrics = {
        "pesq": {"title": "PESQ", "higher_is_better": True},
        "error": {"title": "error", "higher_is_better": False, "digits": 3},
        "ratio": {"title": "ratio", "higher_is_better": None, "group": "Lengths", "note": "Of durations."},
    }
    table = "| a | b |\n|---|---|\n| <i> | **2** |"
    return {
        "rate": RATE,
        "metrics": metrics,
        "systems": systems,
        "sections": [f"## More of it\n\n{table}\n\n![a picture](dot.png)\n\nSee `here`,\nand there.\n"],
        "notes": ["Nothing was heard."],
        "bounds": [SYSTEMS[0], SYSTEMS[2]],
        "made": "2026-01-02 03:04",
        "command": "specgan evaluate --model ours",
        "unheard of": {},
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("card")
    (folder / "evaluation.json").write_text(json.dumps(evaluation()))
    for system in SYSTEMS:
        (folder / "sounds" / system).mkdir(parents=True)
        for index, id in enumerate(IDS):
            audio.write(folder / "sounds" / system / f"{id}.flac", wave(index), RATE)
    Image.new("RGB", (900, 4)).save(folder / "dot.png")
    write_html(folder)
    return folder


# -- a browser, driven through two pipes by its DevTools protocol ---------------------------------------------------


class Page:
    """One tab. `problems` are errors on its console, `asked` what it wanted from elsewhere."""

    def __init__(self, profile: Path) -> None:
        program = next((path for name in BROWSERS if (path := shutil.which(name))), None)
        if program is None:
            pytest.fail(
                f"the page must be looked at in a browser, and none of {', '.join(BROWSERS)} is there; "
                "on Debian: apt-get install chromium-headless-shell"
            )
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        # out of the way of 3 and 4, which the browser reads and writes
        high = [fcntl.fcntl(pipe, fcntl.F_DUPFD, 20) for pipe in (theirs_in, theirs_out)]
        self._process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--remote-debugging-pipe", "--disable-gpu", "--mute-audio",
             "--host-resolver-rules=MAP * ~NOTFOUND", "--no-first-run", f"--user-data-dir={profile}"],
            preexec_fn=lambda: [os.dup2(high[0], 3), os.dup2(high[1], 4)],
            pass_fds=(3, 4),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for pipe in (theirs_in, theirs_out, *high):
            os.close(pipe)
        self._buffer, self._count, self._session = b"", 0, None
        self.problems: list[str] = []
        self.asked: list[str] = []
        self._events: list[str] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            piece = os.read(self._in, 1 << 20)
            assert piece, "the browser has ended"
            self._buffer += piece
        message, _, self._buffer = self._buffer.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        event, given = found.get("method", ""), found.get("params", {})
        self._events.append(event)
        if event == "Runtime.exceptionThrown" or (event == "Runtime.consoleAPICalled" and given["type"] == "error"):
            self.problems.append(json.dumps(given))
        if event == "Log.entryAdded" and given["entry"]["level"] in ("error", "warning"):
            self.problems.append(given["entry"]["text"])
        if event == "Network.requestWillBeSent" and not given["request"]["url"].startswith(("data:", "file:")):
            self.asked.append(given["request"]["url"])
        return found

    def send(self, method: str, **given: Any) -> Any:
        self._count += 1
        message = {"id": self._count, "method": method, "params": given}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while (found := self._receive()).get("id") != self._count:
            continue
        assert "error" not in found, found
        return found["result"]

    def open(self, path: Path) -> None:
        self._events.clear()
        self.send("Page.navigate", url=path.as_uri())
        while "Page.loadEventFired" not in self._events:
            self._receive()

    def run(self, script: str) -> Any:
        """The value of an expression, of a promise when it is kept."""
        found = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def size(self, width: int) -> None:
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 500
        )

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(20)
        os.close(self._in)
        os.close(self._out)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    page = Page(tmp_path_factory.mktemp("profile"))
    yield page
    page.close()


@pytest.fixture
def page(browser: Page, folder: Path) -> Iterator[Page]:
    """The card, freshly opened; after the test nothing may stand on the console or have been asked for elsewhere."""
    browser.size(1280)
    browser.open(folder / "card.html")
    yield browser
    assert browser.problems == [] and browser.asked == []


def listed(page: Page) -> list[str]:
    return page.run("[...document.querySelectorAll('article')].map((one) => one.dataset.id)")


def choose(page: Page, control: str, value: str) -> None:
    page.run(
        f"(() => {{ const c = document.getElementById({control!r}); c.value = {value!r}; "
        "c.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )


def test_the_browser_would_notice_errors_and_requests(browser: Page, tmp_path: Path) -> None:
    (tmp_path / "bad.html").write_text('<img src="http://elsewhere.invalid/x.png"><script>nothing.at.all</script>')
    browser.open(tmp_path / "bad.html")
    assert browser.asked == ["http://elsewhere.invalid/x.png"]
    assert any("nothing is not defined" in problem for problem in browser.problems)
    browser.asked.clear()
    browser.problems.clear()


class TestInABrowser:
    def test_every_sound_decodes_to_all_its_samples(self, page: Page) -> None:
        durations = page.run(
            """Promise.all([...document.querySelectorAll('audio')].map(async (audio) => {
                if (audio.readyState < 1) await new Promise((done, bad) => {
                    audio.onloadedmetadata = done; audio.onerror = () => bad(audio.error.message); });
                const bytes = Uint8Array.from(atob(audio.src.split(',')[1]), (c) => c.charCodeAt(0));
                const heard = await new OfflineAudioContext(1, 1, 22050).decodeAudioData(bytes.buffer);
                return [audio.ariaLabel, audio.duration, heard.length]; }))"""
        )
        assert len(durations) == 10 * 3
        for label, duration, samples in durations:
            index = IDS.index(label.split(",")[0])
            assert samples == len(wave(index))
            assert duration == pytest.approx(len(wave(index)) / RATE, abs=0.02)

    def test_pictures_have_a_pixel_a_frame_and_a_band_and_one_scale_of_time(self, page: Page) -> None:
        sizes = page.run(
            "Promise.all([...document.querySelectorAll('.take img')].map(async (img) => { await img.decode(); "
            "return [img.alt, img.naturalWidth, img.naturalHeight, img.width / img.parentElement.clientWidth]; }))"
        )
        assert len(sizes) == 10 * 3
        for alt, width, height, share in sizes:
            index = next(index for index, id in enumerate(IDS) if f" {id}," in alt)
            assert (width, height) == (-(-len(wave(index)) // HOP), 80)
            assert share == pytest.approx(1.0, abs=0.01)

    @pytest.mark.parametrize("width", [390, 1280])
    def test_nothing_is_wider_than_the_screen(self, page: Page, width: int) -> None:
        page.size(width)
        page.run("document.querySelector('details').open = true")
        assert page.run("innerWidth") == width
        assert page.run("document.documentElement.scrollWidth") <= width
        beyond = "[...document.querySelectorAll('.utterance *, select, input, p, svg, h1, img')]"
        assert page.run(f"{beyond}.filter((e) => e.getBoundingClientRect().right > innerWidth).length") == 0

    def test_the_worst_ten_by_hand_then_the_best_and_the_rest(self, page: Page) -> None:
        worst = [IDS[index] for index in np.argsort(PESQ)]
        assert listed(page) == worst[:10]
        page.run("document.getElementById('more').click()")
        assert listed(page) == worst
        assert page.run("document.getElementById('more').hidden") is True
        choose(page, "order", "best")
        assert listed(page) == worst[::-1][:10]

    def test_by_another_measure_what_has_no_value_comes_last(self, page: Page) -> None:
        choose(page, "measure", "error")  # lower is better, rises with the index; u05 has none
        page.run("document.getElementById('more').click()")
        assert listed(page) == [*(id for id in IDS[::-1] if id != "u05"), "u05"]
        assert "left out (silent)" in page.run("document.querySelector('[data-id=u05]').textContent")

    def test_of_a_ratio_the_farthest_from_1_is_the_worst(self, page: Page) -> None:
        choose(page, "measure", "ratio")  # 0.7, 0.8 … 1.8
        assert listed(page)[:5] == ["u11", "u10", "u09", "u08", "u07"]

    def test_a_search_by_text_and_what_was_heard_beside_it(self, page: Page) -> None:
        choose(page, "query", "NUMBER 7")
        assert listed(page) == ["u07"]
        assert page.run("document.querySelector('.text').textContent") == "say number 7"
        assert page.run("document.querySelector('.heard').textContent") == "heard: say umber 7"
        assert page.run("[...document.querySelectorAll('mark')].map((e) => e.textContent)") == ["umber"] * 3

    def test_a_text_cannot_become_part_of_the_page(self, page: Page) -> None:
        assert page.run("document.querySelector('[data-id=u06] .text').textContent") == HOSTILE
        assert page.run("[...document.querySelectorAll('b, i')].map((e) => e.outerHTML)") == ["<b>2</b>"]

    def test_the_summary_is_sorted_by_a_measure_with_the_keyboard(self, page: Page) -> None:
        order = "[...document.querySelector('main table').tBodies[0].rows].map((row) => row.cells[0].dataset.value)"
        assert page.run(order) == list(SYSTEMS)
        page.run("document.querySelectorAll('thead button')[1].focus()")
        head = "document.querySelectorAll('thead th')[1].ariaSort"
        enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        for sort, wanted_order in (("descending", [0, 1, 2]), ("ascending", [2, 1, 0])):
            page.send("Input.dispatchKeyEvent", type="keyDown", **enter)
            page.send("Input.dispatchKeyEvent", type="keyUp", **enter)
            assert page.run(head) == sort
            assert page.run(order) == [SYSTEMS[index] for index in wanted_order]  # means 4.6, 2.67, 1.75

    def test_the_table_of_all_scores_opens_an_utterance(self, page: Page) -> None:
        choose(page, "system", "2")
        rows = (
            "[...document.querySelectorAll('#scores tbody tr')].map((row) => [...row.cells].map((c) => c.textContent))"
        )
        assert page.run(rows)[2] == ["u02", "1.40", "0.040", "0.90"]
        page.run("document.querySelectorAll('#scores thead button')[2].click()")
        assert [row[0] for row in page.run(rows)] == [*(id for id in IDS[::-1] if id != "u05"), "u05"]
        page.run("document.querySelector('#scores tbody button').click()")
        assert listed(page) == ["u11"] and page.run("document.activeElement.dataset.id") == "u11"

    def test_one_player_at_a_time_and_every_control_is_reached_by_tab(self, page: Page) -> None:
        playing = """(async () => { const [a, b] = document.querySelectorAll('audio');
            a.loop = true; await a.play(); const before = a.paused; await b.play(); return [before, a.paused]; })()"""
        found = page.send(
            "Runtime.evaluate", expression=playing, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert found["result"]["value"] == [False, True]
        reached, key = set(), {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
        page.run("document.activeElement.blur()")
        for _ in range(16):
            page.send("Input.dispatchKeyEvent", type="keyDown", **key)
            page.send("Input.dispatchKeyEvent", type="keyUp", **key)
            reached.add(page.run("document.activeElement.id || document.activeElement.tagName"))
        assert {"order", "measure", "system", "query", "BUTTON", "AUDIO", "A"} <= reached

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_words_stand_out_from_their_ground(self, page: Page, scheme: str) -> None:
        page.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        assert luminance(page.run("getComputedStyle(document.body).backgroundColor")) == pytest.approx(
            {"light": 0.97, "dark": 0.01}[scheme], abs=0.03
        )
        for words, ground in (
            ("body", "body"),
            (".soft", "body"),
            ("dt", ".utterance"),
            ("mark", "mark"),
            ("td small", ".scroll"),
        ):
            ink = luminance(page.run(f"getComputedStyle(document.querySelector({words!r})).color"))
            paper = luminance(page.run(f"getComputedStyle(document.querySelector({ground!r})).backgroundColor"))
            contrast = (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05)
            assert contrast >= 4.5, f"{words} on {ground}, {scheme}: {contrast:.1f}"  # WCAG 2.2, 1.4.3


def luminance(colour: str) -> float:
    """Relative luminance of rgb(r, g, b) (WCAG 2.2)."""
    shares = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# -- the file -------------------------------------------------------------------------------------------------------


def test_the_file_names_nothing_elsewhere_and_says_where_it_comes_from(folder: Path) -> None:
    text = (folder / "card.html").read_text()
    page = re.sub(r"data:[a-z/0-9]+;base64,[A-Za-z0-9+/=]+", "data:", text)
    assert not re.search(r"https?:|//[a-z]|src=[\"'](?!data:)|@import|url\(", page)
    assert "Content-Security-Policy" in text and "default-src 'none'" in text
    assert "2026-01-02 03:04" in text and "specgan evaluate --model ours" in text
    assert "Sounds are exact (FLAC)" in text
    assert "the recordings: error left out for 1 of 12 (silent)." in text
    assert "[1.00, 4.50]" in text and "ours &lt;b&gt;" in text


def test_a_page_without_sounds_has_the_scores_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "evaluation.json").write_text(json.dumps(evaluation()))
    text = write_html(tmp_path).read_text()
    assert "There are no sounds beside the scores" in text and 'id="media-' not in text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        ("{", "is not JSON"),
        ("[]", "is no evaluation"),
        ('{"metrics": {}, "systems": {}}', "no scores of any utterance"),
        ('{"metrics": {}, "systems": {"a": {}}}', "is no evaluation .'utterances'"),
    ],
)
def test_what_is_no_evaluation_is_named(tmp_path: Path, content: str | None, said: str) -> None:
    if content is not None:
        (tmp_path / "evaluation.json").write_text(content)
    with pytest.raises(InputError, match=rf"evaluation.json: .*{said}"):
        write_html(tmp_path)
    assert not (tmp_path / "card.html").exists()


def test_decimals_show_three_figures_unless_they_are_given(folder: Path) -> None:
    assert read(folder / "evaluation.json").digits == {"pesq": 2, "error": 3, "ratio": 2}


def test_a_section_in_markdown(folder: Path) -> None:
    text = (folder / "card.html").read_text()
    assert "<h3>More of it</h3>" in text and "<p>See <code>here</code>, and there.</p>" in text
    assert '<th scope="col">b</th></tr></thead><tbody><tr><th scope="row">&lt;i&gt;</th><td><b>2</b></td>' in text
    assert 'alt="a picture" src="data:image/png;base64,' in text
    assert markdown("```\na | <b>\n```\n- one\n- two", folder) == (
        '<pre><code>a | &lt;b&gt;</code></pre><ul class="notes"><li>one</li><li>two</li></ul>'
    )
    assert markdown("![gone](gone.png)", folder) == "<p>![gone](gone.png)</p>"


# -- what is kept ---------------------------------------------------------------------------------------------------


def test_the_worst_of_every_measure_come_first_then_all_others() -> None:
    ids = [f"{index}" for index in range(40)]
    low = {id: float(index) for index, id in enumerate(ids) if index < 39}
    order = wanted([{id: -float(index) for index, id in enumerate(ids)}, low], ids)
    assert order[:6] == ["0", "38", "1", "37", "2", "36"]
    assert set(order[:20]) == {*ids[:10], *ids[29:39]}
    assert sorted(order, key=int) == ids


def test_sounds_are_kept_in_that_order_until_the_file_is_full(folder: Path) -> None:
    every = gather(folder / "sounds", SYSTEMS, IDS)
    assert list(every.takes) == IDS and "FLAC" in every.format
    sizes = {id: sum(take.size for take in takes.values()) for id, takes in every.takes.items()}
    content = base64.b64decode(every.takes["u03"][SYSTEMS[1]].sound.partition(",")[2])
    assert content == (folder / "sounds" / SYSTEMS[1] / "u03.flac").read_bytes()
    some = gather(folder / "sounds", SYSTEMS, IDS[::-1], limit=sum(sizes.values()) // 3)
    assert list(some.takes) == IDS[::-1][: len(some.takes)] and 2 <= len(some.takes) < 12
    assert "MP3" in some.format
    assert sum(take.size for takes in some.takes.values() for take in takes.values()) <= sum(sizes.values()) // 3


def test_an_mp3_in_the_page_sounds_like_the_recording(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    tone = 0.3 * np.sin(2 * np.pi * 750 * np.arange(2 * RATE) / RATE)
    noise = 0.05 * np.random.default_rng(0).standard_normal(2 * RATE)
    audio.write(tmp_path / "a" / "u.flac", tone + noise, RATE)
    limit = (tmp_path / "a" / "u.flac").stat().st_size * 4 // 3 - 1
    take = gather(tmp_path, ["a"], ["u"], limit).takes["u"]["a"]
    assert take.sound.startswith("data:audio/mpeg;base64,")
    (tmp_path / "a.mp3").write_bytes(base64.b64decode(take.sound.partition(",")[2]))
    heard = audio.read_mono(tmp_path / "a.mp3", RATE)
    assert np.argmax(np.abs(np.fft.rfft(heard))) * RATE / len(heard) == pytest.approx(750, abs=1)
    assert take.seconds == 2.0


# -- distributions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [
        (0.0, 1.0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (1.04, 4.64, [2, 3, 4]),
        (-3.5, -2.2, [-3.5, -3, -2.5]),
        (0, 70, [0, 20, 40, 60]),
    ],
)
def test_ticks_are_round(low: float, high: float, marks: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(marks)


def test_where_a_plot_puts_its_values() -> None:
    svg = distribution("x & y", [Strip("a", "c0", [1.0, 3.0], 2.0, 1.5, 2.5), Strip("b", "c1", [2.0], 2.0, None, None)])
    assert 'aria-label="x &amp; y"' in svg
    assert re.findall(r'cx="([\d.]+)"', svg) == ["170.0", "170.0"]  # 8 + 324 / 2
    assert "M89.0 24H251.0" in svg and svg.count("h0") == 3 and svg.count('class="interval"') == 1
    assert re.search(r"M8\.0 [\d.]+h0M332\.0 ", svg)


def test_a_plot_of_equal_values_is_no_division_by_zero() -> None:
    assert 'cx="170.0"' in distribution("x", [Strip("a", "c0", [2.0, 2.0], 2.0, 2.0, 2.0)])
