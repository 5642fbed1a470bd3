"""What is answered before the page is there: signs of life, one page of ours in both languages, and no more."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from assistant.web.gate import SECURITY_HEADERS, STRICT_POLICY
from assistant.web.visits import Door
from assistant.web.warming import AGAIN_SECONDS, warming_site
from assistant.web.words import WORDS

CODE = "a code of the cohort"
OURS = {"sec-fetch-site": "same-origin"}


def opened(peer="testclient", **door):
    """Return a client of the warming site."""
    return TestClient(warming_site(Door(**door)), client=(peer, 50000), follow_redirects=False)


@pytest.fixture(scope="module")
def warming():
    """A client of the site as it is without any settings."""
    return opened()


def test_health_says_that_the_process_lives(warming):
    """With the keys of the real address, so that a monitor need not know of this."""
    response = warming.get("/health")
    assert (response.status_code, response.json()) == (200, {"status": "ok", "ready": False, "documents": 0})
    assert response.headers["cache-control"] == "no-store"
    assert warming.head("/health").status_code == 200


def test_the_signs_of_life_have_the_keys_of_the_real_ones(warming, client):
    """Compared with the site itself."""
    for path in ("/health", "/ready"):
        assert warming.get(path).json().keys() == client.get(path).json().keys()


def test_ready_says_what_is_missing(warming):
    """503, and when to ask again."""
    response = warming.get("/ready")
    assert (response.status_code, response.headers["retry-after"]) == (503, str(AGAIN_SECONDS))
    assert response.json() == {"ready": False, "missing": ["page", "model", "documents"]}


@pytest.mark.parametrize("path", ["/", "/source/programme/a.md?start=1&end=9", "/saved/abc", "/privacy", "/enter"])
@pytest.mark.parametrize(
    ("language", "accepted"), [("en", "en-GB"), ("en", "de"), ("nb", "nb-NO,nb;q=0.9"), ("nb", "nn")]
)
def test_every_page_warms_up_in_the_visitors_language(warming, path, language, accepted):
    """It asks for itself again, by a header, and loads only what stands beside it."""
    response = warming.get(path, headers={"accept-language": accepted})
    assert (response.status_code, response.headers["retry-after"]) == (503, str(AGAIN_SECONDS))
    assert response.headers["refresh"] == str(AGAIN_SECONDS)
    assert response.headers["cache-control"] == "no-store"
    assert f'<html lang="{language}">' in response.text
    assert f"<h1>{WORDS[language]['warming_title']}</h1>" in response.text
    for link in re.findall(r'<link[^>]* href="([^"]*)"', response.text):
        assert not link.startswith("/")
        assert warming.get(f"{path.partition('?')[0].rpartition('/')[0]}/{link}").status_code == 200


@pytest.mark.parametrize(
    ("path", "link"),
    [
        pytest.param("/", "./?lang=nb", id="the first page"),
        pytest.param("/source/a/b.md", "./b.md?lang=nb", id="a source"),
        pytest.param(
            "/source/a%2Fb%20c.md?start=1&amp=2&lang=en", "./a%2Fb%20c.md?start=1&amp;amp=2&amp;lang=nb", id="asked for"
        ),
        pytest.param(
            "/source/%22%3E%3Cscript%3E?x=%3Cb%3E", "./%22%3E%3Cscript%3E?x=%3Cb%3E&amp;lang=nb", id="an attack"
        ),
    ],
)
def test_the_other_language_is_at_the_same_address(warming, path, link):
    """With all that was asked for, and as harmless words."""
    page = warming.get(path).text
    assert re.search(r'<a class="language"[^>]* href="([^"]*)"', page)[1] == link
    assert "<script" not in page
    assert "<b>" not in page


@pytest.mark.parametrize(
    "path", ["/", "/health", "/ready", "/source/x", "/static/usanext/chat.css", "/config", "/nowhere"]
)
def test_every_response_carries_the_strict_headers(warming, path):
    """No script and no style in the page, and none of another host."""
    response = warming.get(path)
    assert response.headers["content-security-policy"] == STRICT_POLICY
    assert SECURITY_HEADERS.items() <= dict(response.headers).items()
    assert not re.search(r"<script|<style|style=|http-equiv|https?:", response.text if "css" not in path else "")


@pytest.mark.parametrize(
    ("path", "language", "said"),
    [
        pytest.param("/api/chat", "en", {"error": WORDS["en"]["warming_later"]}, id="a question of a program"),
        pytest.param("/gradio_api/queue/join", "nb", {"error": WORDS["nb"]["warming_later"]}, id="an open page"),
        pytest.param("/conversation/abc/save", "nb", WORDS["nb"]["warming_later"], id="saving"),
        pytest.param("/enter", "en", WORDS["en"]["warming_later"], id="the access code"),
    ],
)
def test_what_is_sent_gets_one_sentence(warming, path, language, said):
    """Nothing is taken that would be lost."""
    response = warming.post(path, content=b"x", headers={"accept-language": language, **OURS})
    assert (response.status_code, response.headers["retry-after"]) == (503, str(AGAIN_SECONDS))
    assert (response.json() if isinstance(said, dict) else response.text) == said


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        pytest.param("POST", "/gradio_api/upload", OURS, 403, id="files"),
        pytest.param("POST", "/gradio_api/queue/join", {"sec-fetch-site": "cross-site"}, 403, id="a foreign page"),
        pytest.param("GET", "/openapi.json", {}, 404, id="what is not offered"),
        pytest.param("DELETE", "/", {}, 404, id="another verb"),
        pytest.param("GET", "/staff/documents", {}, 404, id="the desk that is off"),
    ],
)
def test_the_gate_stands_before_it(warming, method, path, headers, status):
    """What the site would refuse is refused already."""
    assert warming.request(method, path, headers=headers).status_code == status
    assert warming.post("/api/chat", content=b"x" * 100_001).status_code == 413


def test_the_desk_warms_up_where_it_is_on():
    """Its pages stay in reach; a file that is sent is not read, since nobody can have logged in."""
    client = opened(staff_password_hash="$2b$12$" + "a" * 53)
    assert client.get("/staff/documents").status_code == 503
    assert client.post("/staff/documents", headers=OURS, content=b"x").status_code == 503
    assert client.post("/staff/upload", headers=OURS, content=b"x").status_code == 401


def test_the_code_is_neither_asked_for_nor_compared():
    """Nothing is behind it yet, so there is nothing to try codes on: right and wrong ones are answered alike."""
    client = opened(access_code=CODE)
    assert client.get("/").status_code == 503
    answers = [
        client.post("/api/chat", content=b"x", headers={"authorization": f"Bearer {code}"}) for code in (CODE, "wrong")
    ]
    assert [(answer.status_code, answer.text) for answer in answers] == [
        (503, f'{{"error":"{WORDS["en"]["warming_later"]}"}}')
    ] * 2


def test_it_stands_under_the_path_of_the_site():
    """As a proxy sends it, with the prefix or without; and TLS is remembered."""
    client = opened("10.0.0.2", trusted_proxies="10.0.0.2", path_prefix="/usanext")
    assert client.get("/usanext").headers["location"] == "usanext/"
    for path in ("/usanext/source/a", "/source/a"):
        page = client.get(path, headers={"x-forwarded-proto": "https"})
        assert page.status_code == 503
        assert 'href="../static/usanext/chat.css"' in page.text
        assert "max-age" in page.headers["strict-transport-security"]
    assert client.get("/usanext/static/usanext/chat.css").status_code == 200


@pytest.mark.parametrize("style", ["SourceSansPro-Regular", "SourceSansPro-Bold"])
def test_the_fonts_our_styles_name_are_there(warming, client, style):
    """The same as later, although Gradio brings them."""
    path = f"/static/fonts/SourceSansPro/{style}.woff2"
    assert warming.get(path).content == client.get(path).content
    assert warming.get("/static/fonts/SourceSansPro/..%2F..%2Fx.woff2").status_code == 503
    assert warming.get("/static/fonts/SourceSansPro/SourceSansPro-Nothing.woff2").status_code == 404


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize(("locale", "width", "colours"), [("en-US", 1280, "light"), ("nb-NO", 320, "dark")])
def test_a_browser_shows_it_and_comes_again(browser, locale, width, colours):
    """Whole at every width, with our colours; once the site is there, it stands at the same address."""
    from starlette.applications import Starlette
    from starlette.responses import HTMLResponse

    from assistant.web.serving import Serving

    class Idle:
        idle = True

    site = Starlette()
    site.add_route("/privacy", lambda request: HTMLResponse("<h1>Here</h1>"))
    with Serving(warming_site(Door()), "127.0.0.1", 0) as serving:
        context = browser.new_context(
            locale=locale, viewport={"width": width, "height": 700}, color_scheme=colours, reduced_motion="reduce"
        )
        page = context.new_page()
        page.goto(f"{serving.address}/privacy")
        assert page.locator("h1").inner_text() == WORDS["nb" if locale == "nb-NO" else "en"]["warming_title"]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        paper = {"light": "rgb(250, 248, 244)", "dark": "rgb(18, 25, 29)"}[colours]
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == paper
        serving.hand_over(site, Idle())
        page.locator("h1", has_text="Here").wait_for(timeout=20_000)
        context.close()
