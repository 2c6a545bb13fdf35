"""The inspector of `hier serve`, in a real browser: what it shows is what the engine gives."""

import re

import pytest
from browser import Browser
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from serving_process import Serving
from shown import QUERY

import hier
from hier.inspector import data

KEY = "a-key-of-twenty-characters"
HOSTILE = "<i>topics\x1b[2J.hier"


@pytest.fixture(scope="module")
def saved(tmp_path_factory, long_text):
    folder = tmp_path_factory.mktemp("inspected")
    tree = hier.build(long_text[:60_000])
    for name in ("topics.hier", HOSTILE):
        tree.save(folder / name)
    return tree, folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def served(saved):
    _, folder = saved
    files = (folder / "topics.hier", folder / HOSTILE)
    with Serving(folder / "log", *files, "--workers", 1) as server:
        yield server
        assert server.stop() == 0
        assert "Traceback" not in server.words()


def shown(browser):
    """The context as the page has it, without what stands around it."""
    return browser.run(
        "inspector.page.view.segments.text.map("
        "(text, i) => inspector.page.view.segments.before[i] + text).join('')"
    )


def test_a_browser_is_led_to_the_page_of_a_text(served, browser, saved):
    tree, _ = saved
    browser.driver.get(served.url)
    links = browser.driver.find_elements(By.CSS_SELECTOR, "li a")
    assert {each.text for each in links} == {"topics.hier", HOSTILE.replace("\x1b", "\u241b")}
    (link,) = (each for each in links if each.text == "topics.hier")
    browser.open(link.get_attribute("href") + f"?q={QUERY.replace(' ', '+')}&b=300")
    browser.wait("inspector.page.view.query.length")
    assert shown(browser) == tree.compress(QUERY, 300).text
    assert browser.complaints() == []


def test_workers_answer_what_the_page_asks(served, saved):
    tree, _ = saved
    asked = {"query": QUERY, "budget": 200}
    for _ in range(2):  # the second time as it was answered before
        found = served.post("/inspect/topics/view", asked).json()
        assert found["segments"]["text"] == data.view_of(tree, [QUERY], 200)["segments"]["text"]
    assert served.client.get("/inspect/topics/map").json() == data.map_of(tree)
    assert served.client.get("/inspect/topics/node/7").json() == data.node_of(tree, 7)
    points = served.client.get("/inspect/topics/curve", params={"query": QUERY}).json()["points"]
    assert [tokens for tokens, _ in points] == [p[0] for p in data.curve_of(tree, [QUERY])]


def test_what_is_not_there_is_told(served):
    for path in ("/inspect/other/map", "/inspect/..%2ftopics/map", "/inspect/topics/node/9999999"):
        assert served.client.get(path).status_code == 404
    assert served.post("/inspect/topics/view", {"query": "x", "budget": 0}).status_code == 400
    surrogate = b'{"query": "\\ud800", "budget": 90}'
    assert served.client.post("/inspect/topics/view", content=surrogate).status_code == 200


def test_with_a_key_the_page_is_for_everyone_and_no_text_is(saved, browser):
    tree, folder = saved
    with Serving(folder / "keyed", folder / "topics.hier", "--workers", 1, key=KEY) as server:
        bare = {"authorization": ""}
        page = server.client.get("/inspect/topics/", headers=bare)
        assert page.status_code == 200
        for part in re.findall(r'(?:src|href)="\./(assets/[^"]+)"', page.text):
            assert server.client.get(f"/inspect/topics/{part}", headers=bare).status_code == 200
        for path in ("/inspect/", "/inspect/topics/map", "/inspect/topics/node/1", "/"):
            assert server.client.get(path, headers=bare).status_code == 401
        browser.driver.get(f"{server.url}/inspect/topics/?b=300")
        browser.wait("!document.getElementById('key').hidden")
        browser.driver.find_element(By.ID, "secret").send_keys(KEY, Keys.ENTER)
        browser.wait("inspector.page?.budget.points.length")
        assert shown(browser) == tree.compress(None, 300).text
