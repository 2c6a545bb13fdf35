"""The inspector in a real Chromium: what is on the page is what the engine says, for everyone."""

from itertools import pairwise

import pytest
from browser import Browser, serving
from selenium.common.exceptions import NoAlertPresentException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import hier
from hier.document import Document
from hier.inspector.export import export
from hier.inspector.page import SCRIPTS

QUESTION = "How does the with statement call __enter__ and __exit__?"
OTHER = "What is a generator function and how is it resumed?"
WORDS = "<img src=x onerror=alert(1)></script><script>alert(2)</script><!-- <b id=bold>bold</b>"
CODES = "\x1b[31mred\x07 \x9b0m \u202egnp.exe\u2028 \ud800 <svg/onload=alert(3)>"
HOSTILE = f"# {WORDS}\n\n{CODES}\n\n{WORDS} {CODES}\n\n" + "The garden 🌱 is watered daily. " * 60

# Every text on the page whose contrast is below what WCAG asks for (AA; Contrast minimum, 1.4.3).
CONTRAST = """
const { contrast } = inspector.colours;
const parts = (colour) => {
  const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number);
  return [r, g, b, a];
};
const hex = (colour) => '#' + colour.slice(0, 3)
  .map((part) => Math.round(part).toString(16).padStart(2, '0')).join('');
const behind = (element) => {
  const layers = [];
  for (let each = element; each; each = each.parentElement) {
    layers.push(parts(getComputedStyle(each).backgroundColor));
  }
  return layers.reverse().reduce((under, [r, g, b, a]) =>
    [r, g, b].map((part, i) => part * a + under[i] * (1 - a)), [255, 255, 255]);
};
const of = (element, property, pseudo = null) =>
  contrast(hex(parts(getComputedStyle(element, pseudo)[property])), hex(behind(element)));
const low = [];
let counted = 0;
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const element = node.parentElement;
  const words = node.textContent.trim();
  if (!words || element.closest('script, .hidden, svg') || !element.checkVisibility()) continue;
  counted += 1;
  if (of(element, 'color') < 4.5) low.push([words, of(element, 'color')]);
}
for (const element of document.querySelectorAll('svg text')) {
  if (of(element, 'fill') < 4.5) low.push([element.textContent, of(element, 'fill')]);
}
for (const element of document.querySelectorAll('input')) {
  if (!element.checkVisibility()) continue;
  for (const pseudo of [null, '::placeholder']) {
    if (of(element, 'color', pseudo) < 4.5) low.push([element.id, of(element, 'color', pseudo)]);
  }
}
return [counted, low];
"""


@pytest.fixture(scope="module")
def trees(tree, long_text):
    hostile = hier.build(Document(HOSTILE, f"{WORDS}\x1b[2J"))
    large = hier.build("\n\n".join(f"# Part {n}\n\n{long_text}" for n in range(10)))
    return {"tree": tree, "hostile": hostile, "large": large}


@pytest.fixture(scope="module")
def address(trees):
    with serving(trees) as address:
        yield address


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@pytest.fixture
def page(browser, address):
    """The page of the tree with a question, in a window of its own preferences."""
    browser.window()
    browser.open(f"{address}/tree/?b=300")
    ask(browser, QUESTION)
    yield browser
    assert browser.complaints() == []


@pytest.fixture(scope="module")
def short(long_text):
    return hier.build(long_text[:16_000])


@pytest.fixture(scope="module")
def file(short, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "inspector.html"
    export(short, path, [QUESTION, OTHER], 300)
    return path.as_uri()


def ask(browser, question):
    field = browser.driver.find_element(By.ID, "question")
    field.clear()
    field.send_keys(question, Keys.ENTER)
    browser.wait(
        "!inspector.page.asking && inspector.page.view.query[0] === arguments[0]", question
    )


def settled(browser):
    browser.wait("!inspector.page.asking")


def shown(browser):
    """The budget, and the text that a model would see."""
    return browser.run("[inspector.page.view.budget, inspector.page.context.text]")


def press(browser, element, *keys):
    browser.driver.find_element(By.ID, element).send_keys(*keys)
    settled(browser)


def middle(browser, node):
    """Where the middle of a node is on the map, from the middle of the map."""
    return browser.run(
        """(() => {
          const { map, tree } = inspector.page;
          const [low, high] = tree.range(arguments[0]);
          const box = map.canvas.getBoundingClientRect();
          return [map.x((low + high) / 2) - box.width / 2,
            map.top(tree.level(arguments[0])) + map.row / 2 - box.height / 2];
        })()""",
        node,
    )


def move_to(browser, node, click=False):
    x, y = middle(browser, node)
    canvas = browser.driver.find_element(By.ID, "map")
    chain = ActionChains(browser.driver, duration=20)
    chain.move_to_element_with_offset(canvas, round(x), round(y))
    (chain.click() if click else chain).perform()


# What is on the page is what the engine says


def test_the_slider_allocates_anew(page, tree):
    values = []
    for keys in ([Keys.HOME], [Keys.PAGE_UP] * 3, [Keys.ARROW_RIGHT], [Keys.END]):
        press(page, "slider", *keys)
        budget, text = shown(page)
        context = tree.compress(QUESTION, budget)
        assert text == context.text
        assert page.text("tokens") == f"{context.tokens:,}"
        assert page.text("optimality") == f"≥ {int(100 * context.optimality)}%"
        assert page.text("coverage") == f"{context.coverage:.0%}"
        values.append((budget, context.coverage))
    assert values == sorted(values)
    assert values[0][0] == 50
    assert values[-1][0] == 16_000


def test_a_budget_can_be_typed_and_the_next_tokens_have_a_price(page, tree):
    field = page.driver.find_element(By.ID, "budget")
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys("777", Keys.ENTER)
    page.wait("!inspector.page.asking && inspector.page.view.budget === 777")
    low, high = (tree.compress(QUESTION, budget) for budget in (777, 1277))
    gain = 100 * (high.coverage - low.coverage)
    assert page.text("next") == f"+{gain:.{1 if gain < 10 else 0}f}%"
    assert page.text("going") == f"the next token: +{100 * low.going:.3f}%"
    page.wait("document.getElementById('said').textContent.includes('of 777 tokens')")
    assert f"{low.coverage:.0%} of the value" in page.text("said")


def test_another_question_moves_the_budget(page, tree):
    before = page.run("[...inspector.page.map.relevance[0]]")
    boxes = page.run("inspector.page.map.kept.boxes.map((box) => box.to)")
    ask(page, OTHER)
    assert shown(page) == [300, tree.compress(OTHER, 300).text]
    assert page.run("[...inspector.page.map.relevance[0]]") != before
    assert page.run("inspector.page.map.kept.boxes.map((box) => box.to)") != boxes
    ask(page, QUESTION)
    page.driver.find_element(By.ID, "question").clear()
    page.driver.find_element(By.ID, "question").send_keys(Keys.ENTER)
    page.wait("!inspector.page.asking && !inspector.page.view.query.length")
    assert shown(page) == [300, tree.compress(None, 300).text]


def test_what_was_kept_is_where_it_stands(page, tree):
    context = tree.compress(QUESTION, 300)
    boxes = page.run("inspector.page.map.kept.boxes.map((box) => [...box.to, box.level])")
    before = [0, *tree.leaf_tokens.cumsum().tolist()]
    leaf_of = {int(start): leaf for leaf, start in enumerate(tree.leaf_start)}
    for (start, end, level), segment in zip(boxes, context.segments, strict=True):
        assert level == segment.level
        assert start == before[leaf_of[segment.start]]
        assert end - start == pytest.approx(segment.tokens, abs=0.2 * segment.tokens + 3)


def test_a_click_opens_a_branch_and_reads_its_summary(page, tree):
    node = tree.root.children[1]
    move_to(page, node, click=True)
    page.wait("!document.getElementById('node').hidden")
    assert page.text("node-summary") == tree.summary(node)[0]
    assert page.text("node-title") == tree.label(tree.nodes[node])
    low, high = page.run("[inspector.page.map.low, inspector.page.map.high]")
    assert high - low < 1.2 * tree.nodes[node].tokens
    page.driver.find_element(By.CSS_SELECTOR, "#node-children button").click()
    child = tree.nodes[node].children[0]
    page.wait(
        "document.getElementById('node-summary').textContent === arguments[0]",
        tree.summary(child)[0],
    )
    page.driver.find_element(By.ID, "all").click()
    assert page.run("[inspector.page.map.low, inspector.page.map.high]") == [0, tree.tokens]


def test_leaves_bear_their_words(page, tree):
    page.run("inspector.page.open(inspector.page.tree.parent(arguments[0]))", 40)
    words = " ".join(tree.source[slice(tree.nodes[40].start, tree.nodes[40].end)].split())
    page.wait("inspector.page.leafText(40)")
    assert page.run("inspector.page.leafText(40)") in (words, words[:119] + "…")


def test_a_citation_and_its_place_light_up_together(page, tree):
    cite = page.driver.find_elements(By.CSS_SELECTOR, ".cite")[1]
    cite.click()
    page.wait("inspector.page.map.lit === 2")
    context = tree.compress(QUESTION, 300)
    box = page.run("inspector.page.map.kept.boxes[1].to")
    low, high = page.run("[inspector.page.map.low, inspector.page.map.high]")
    assert low <= box[0] < box[1] <= high
    page.wait("inspector.page.map.selected === arguments[0]", context.segments[1].node_id)
    leaf = int((tree.leaf_start <= context.segments[0].start).sum()) - 1
    page.run("inspector.page.map.open(inspector.page.tree.parent(arguments[0]))", leaf)
    move_to(page, leaf)
    page.wait("document.querySelector('.piece.lit .cite').textContent === '1'")


def test_the_wheel_zooms_where_the_mouse_is(page, tree):
    move_to(page, tree.root.id)
    origin = page.driver.find_element(By.ID, "map")
    wheel = ScrollOrigin.from_element(origin)
    middle = tree.tokens / 2
    ActionChains(page.driver).scroll_from_origin(wheel, 0, -600).perform()
    low, high = page.wait(
        "inspector.page.map.high - inspector.page.map.low < arguments[0] && "
        "[inspector.page.map.low, inspector.page.map.high]",
        tree.tokens - 1,
    )
    assert (low + high) / 2 == pytest.approx(middle, rel=0.02)


# For everyone


def test_everything_can_be_done_from_the_keyboard(page, tree):
    active = "document.getElementById('tree').getAttribute('aria-activedescendant')"
    press(page, "tree", Keys.ARROW_DOWN)
    child = tree.root.children[0]
    assert page.run(active) == f"node-{child}"
    press(page, "tree", Keys.ARROW_RIGHT)
    assert page.run(active) == f"node-{child + 1}"
    press(page, "tree", Keys.ENTER)
    page.wait(
        "document.getElementById('node-summary').textContent === arguments[0]",
        tree.summary(child + 1)[0],
    )
    size = page.run("inspector.page.map.high - inspector.page.map.low")
    press(page, "tree", "+")
    assert page.run("inspector.page.map.high - inspector.page.map.low") < size
    press(page, "tree", "-", "0")
    assert page.run("inspector.page.map.high - inspector.page.map.low") == tree.tokens
    press(page, "tree", "n")
    page.wait("inspector.page.map.lit === 1")
    press(page, "tree", "/")
    assert page.run("document.activeElement.id") == "question"
    press(page, "question", Keys.ESCAPE)
    press(page, "tree", "b")
    assert page.run("document.activeElement.id") == "slider"
    press(page, "slider", "?")
    assert page.run("document.getElementById('help').open")
    ActionChains(page.driver).send_keys(Keys.ESCAPE).perform()
    page.wait("!document.getElementById('help').open")


def test_the_map_is_a_tree_for_those_who_hear_it(page, tree):
    press(page, "tree", Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    items = page.run(
        """[...document.querySelectorAll('#tree [role=treeitem]')].map((item) =>
          [Number(item.id.slice(5)), Number(item.ariaLevel), Number(item.ariaSetSize),
           Number(item.ariaPosInSet), item.textContent])"""
    )
    height = len(tree.levels)
    for node_id, level, size, place, words in items:
        node = tree.nodes[node_id]
        assert level == height - node.level
        siblings = range(1) if node.parent is None else tree.nodes[node.parent].children
        assert size == len(siblings)
        if node.parent is not None:
            assert siblings[place - 1] == node_id
        assert f"{node.tokens:,} token" in words
    active = page.run("document.getElementById('tree').getAttribute('aria-activedescendant')")
    assert int(active[5:]) in {item[0] for item in items}
    spoken = page.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    named = {(each["role"]["value"], each.get("name", {}).get("value", "")) for each in spoken
             if not each["ignored"]}  # fmt: skip
    roles = {"button", "slider", "spinbutton", "textbox", "tree", "treeitem", "heading", "image"}
    assert {role for role, _ in named} >= roles
    assert [pair for pair in named if pair[0] in roles and not pair[1]] == []


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_can_be_read(page, tree, dark):
    page.window(dark=dark)
    page.wait(
        "document.documentElement.dataset.theme === arguments[0]", "dark" if dark else "light"
    )
    move_to(page, tree.root.children[1], click=True)
    page.wait("!document.getElementById('node').hidden")
    page.run("inspector.page.light(1, false)")
    page.run("document.getElementById('node-source').open = true")
    page.run("inspector.complain(new Error('something is wrong'))")
    page.run("document.getElementById('help').showModal()")
    counted, low = page.driver.execute_script(CONTRAST)
    assert counted > 60
    assert low == []
    inks = page.run(
        """['light', 'dark'].flatMap((theme) => inspector.colours[theme].cells.map((cell, i) =>
          inspector.colours.contrast(cell, inspector.colours[theme].inks[i])))"""
    )
    assert min(inks) >= 4.5
    marks = page.run(
        """inspector.colours.contrast(...['--accent', '--on-accent'].map((name) =>
          getComputedStyle(document.documentElement).getPropertyValue(name)))"""
    )
    assert marks >= 4.5


def test_the_colours_of_relevance_rise_in_brightness_alone(page):
    """So they can be told apart by those who tell no hues apart."""
    for theme, sign in (("light", -1), ("dark", 1)):
        steps = page.run(
            """(() => { const { cells } = inspector.colours[arguments[0]];
              return cells.map((cell) => inspector.colours.contrast(cell, '#000000')); })()""",
            theme,
        )
        rising = [sign * (other - one) for one, other in pairwise(steps)]
        assert min(rising) >= -1e-9
        assert max(steps) / min(steps) > 8


def test_light_and_dark_can_be_chosen(page):
    before = page.run("getComputedStyle(document.body).backgroundColor")
    page.driver.find_element(By.ID, "theme").click()
    assert page.run("document.documentElement.dataset.theme") == "dark"
    assert page.run("getComputedStyle(document.body).backgroundColor") != before
    assert page.text("theme") == "Light"
    press(page, "tree", "d")
    assert page.run("getComputedStyle(document.body).backgroundColor") == before


def test_what_moves_stands_still_for_those_who_want_it(page):
    press(page, "slider", Keys.PAGE_UP)
    assert page.run("inspector.page.map.share") == 1
    page.window(still=False)
    seen = page.driver.execute_async_script(
        """const done = arguments[0], { map } = inspector.page, seen = [];
        map.change.begin();
        const watch = () => { seen.push(map.share); map.share < 1 || seen.length < 2
          ? requestAnimationFrame(watch) : done(seen); };
        requestAnimationFrame(watch);"""
    )
    assert len(seen) > 3
    assert seen[-1] == 1


@pytest.mark.parametrize("width", [360, 800])
def test_narrow_screens_show_all_of_it(page, width):
    page.window(width, 800)
    page.wait("inspector.page.map.width < innerWidth")
    assert page.run("document.scrollingElement.scrollWidth <= innerWidth")
    for name in ("map", "slider", "pieces"):
        left, right = page.run(
            """(() => { const box = document.getElementById(arguments[0]).getBoundingClientRect();
              return [box.left, box.right]; })()""",
            name,
        )
        assert 0 <= left < right <= width


# What a document holds does nothing


def test_a_hostile_document_is_only_shown(browser, address, trees, tmp_path):
    path = tmp_path / "hostile.html"
    export(trees["hostile"], path, [WORDS], 200)
    for place in (f"{address}/hostile/?b=200", path.as_uri()):
        browser.window()
        browser.open(place)
        ask(browser, WORDS)
        browser.run("inspector.page.open(inspector.page.tree.root)")
        browser.wait("!document.getElementById('node').hidden")
        browser.run("inspector.page.open(1)")
        with pytest.raises(NoAlertPresentException):
            _ = browser.driver.switch_to.alert
        assert (
            browser.run("document.querySelectorAll('main img, b#bold, #curve script').length") == 0
        )
        scripts = browser.run("document.scripts.length")
        assert scripts == len(SCRIPTS) + place.startswith("file")
        text = browser.run("document.body.innerText")
        assert "<img src=x onerror=alert(1)>" in text
        assert not set("\x1b\x07\x9b\u202e\u2028\ud800") & set(text)
        assert "␛[31mred␇" in text
        assert browser.driver.title.startswith("<img src=x")
        assert shown(browser)[1] == trees["hostile"].compress(WORDS, 200).text.replace(
            "\ud800", "\ufffd"
        )
        assert browser.complaints() == []


@pytest.mark.parametrize(
    "text",
    [
        "word",
        "🌱🌲 A tree 👩‍👩‍👧 grows in the garden. " * 200,
        "# שלום\n\n" + "הגן מושקה מדי יום על ידי השכן. " * 200,
        "name,price\r\n" + "".join(f"item {n},{3 * n}\r\n" for n in range(300)),
        "x" * 9000,
    ],
    ids=["a word", "emoji", "Hebrew", "a table", "a long word"],
)
def test_any_text_is_shown_in_its_places(browser, text):
    """Characters are counted alike on both sides, also where JavaScript counts them twice."""
    tree = hier.build(text)
    query = "the price of a tree"
    browser.window()
    with serving({"text": tree}) as address:
        browser.open(f"{address}/text/?b=100&q={query}")
        assert shown(browser)[1] == tree.compress(query, 100).text
        last = len(tree.leaf_start) - 1
        browser.run("inspector.page.open(arguments[0])", last)
        words = " ".join(text[int(tree.leaf_start[last]) :].split())[:119]
        browser.wait("inspector.page.leafText(arguments[0])", last)
        assert browser.run("inspector.page.leafText(arguments[0])", last)[:60] == words[:60]
        browser.run("inspector.page.goTo(1)")
        browser.wait("inspector.page.map.lit === 1")
    assert browser.complaints() == []


def test_a_million_tokens_are_drawn(browser, address, trees, record_property):
    large = trees["large"]
    assert large.tokens > 1_000_000
    browser.window()
    browser.open(f"{address}/large/?b=1000&q=How+are+modules+imported?")
    frames = []
    for node in (large.root.id, large.root.children[1], 5):
        browser.run("inspector.page.map.open(arguments[0])", node)
        frames.append(browser.run("(inspector.page.map.draw(), inspector.page.map.frame)"))
    record_property("milliseconds_a_frame", frames)
    assert max(frames) < 1000  # it is some milliseconds; never a page that does not answer
    assert shown(browser)[1] == large.compress("How are modules imported?", 1000).text
    assert browser.complaints() == []


# One file


def test_a_file_needs_nothing_else(browser, file, short):
    browser.window()
    browser.open(file)
    budgets = browser.run("inspector.page.source.rungs")
    for keys in ([Keys.HOME], [Keys.ARROW_RIGHT] * 4, [Keys.END], [Keys.PAGE_DOWN] * 2):
        press(browser, "slider", *keys)
        budget, text = shown(browser)
        assert budget in budgets
        assert text == short.compress(QUESTION, budget).text
    assert f"{len(budgets)} budgets" in browser.text("rungs")
    browser.driver.find_elements(By.CSS_SELECTOR, "#questions button")[1].click()
    browser.wait("inspector.page.view.query[0] === arguments[0]", OTHER)
    assert shown(browser)[1] == short.compress(OTHER, shown(browser)[0]).text
    node = short.root.children[1]
    browser.run("inspector.page.open(arguments[0])", node)
    browser.wait(
        "document.getElementById('node-summary').textContent === arguments[0]",
        short.summary(node)[0],
    )
    assert browser.run("performance.getEntriesByType('resource').length") == 0
    assert browser.complaints() == []


def test_a_file_says_what_it_cannot_answer(browser, file):
    browser.window()
    browser.open(file)
    field = browser.driver.find_element(By.ID, "question")
    field.clear()
    field.send_keys("Something else?", Keys.ENTER)
    browser.wait("!document.getElementById('problem').hidden")
    assert "hier serve" in browser.text("problem")
    ask(browser, QUESTION)
    assert browser.run("document.getElementById('problem').hidden")
    assert browser.complaints() == []


def test_a_key_is_asked_for_and_sent(browser, short):
    key = "hier_a_key_that_nobody_guesses"
    with serving({"short": short}, key) as address:
        browser.window()
        browser.driver.get(f"{address}/short/?b=200")
        browser.wait("!document.getElementById('key').hidden")
        assert "API key" in browser.text("problem")
        field = browser.driver.find_element(By.ID, "secret")
        field.send_keys("another_key_of_enough_letters", Keys.ENTER)
        browser.wait(
            "document.getElementById('secret').value === '' && "
            "!document.getElementById('key').hidden"
        )
        field.send_keys(key, Keys.ENTER)
        browser.wait("inspector.page?.budget.points.length")
        assert shown(browser) == [200, short.compress(None, 200).text]
        assert browser.run("document.getElementById('problem').hidden")
        assert key not in browser.driver.current_url
    assert all("401" in each for each in browser.complaints())


def test_a_server_that_refuses_is_quoted(page):
    page.run("inspector.page.budget.set(99999)")
    page.run("inspector.page.ask()")
    page.wait("!document.getElementById('problem').hidden")
    assert "99999 is not from 1 to 16,000" in page.text("problem")
    assert len(page.complaints()) == 1  # the browser's own: a request failed
