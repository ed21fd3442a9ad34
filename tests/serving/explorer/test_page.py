from __future__ import annotations

import re
from typing import Any

import pytest

from lofivpr.serving import ApiKey
from lofivpr.serving.explorer.page import page_files

KEY = ApiKey("visitor", "visitor-0123456789abcdef")


def test_whatever_the_page_names_is_there(explored: Any) -> None:
    files = page_files()
    named = re.findall(r'(?:href|src)="/explorer/([^"]+)"', files["index.html"].data.decode())
    for name, file in files.items():
        if name.endswith(".js") and "/" not in name:
            named += re.findall(r'from "\./([^"]+)"', file.data.decode())
    assert {"app.js", "theme.css", "leaflet/leaflet.js", "live.js"} <= set(named)
    with explored.client() as client:
        for name in set(named):
            answer = client.get(f"/explorer/{name}")
            assert answer.status_code == 200, name
            assert answer.headers["content-type"].startswith("text/javascript" if name.endswith("js") else "text/css")


def test_nothing_comes_from_elsewhere() -> None:
    for name, file in page_files().items():
        text = file.data.decode()
        found = set(re.findall(r"https?://[\w./-]+", text)) - {"http://www.w3.org/2000/svg"}
        assert not found or name.startswith("leaflet/"), (name, found)
    policy = "script-src 'self'; style-src 'self'"
    assert "<style" not in page_files()["index.html"].data.decode()
    assert policy in explorer_policy()


def explorer_policy() -> str:
    from lofivpr.serving.explorer.page import _HEADERS

    return _HEADERS["Content-Security-Policy"]


def test_the_page_has_its_own_policy_and_keeps_that_of_the_service(explored: Any) -> None:
    with explored.client() as client:
        headers = client.get("/").headers
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert headers["x-frame-options"] == "DENY" and headers["x-content-type-options"] == "nosniff"
    assert "camera=(self)" in headers["permissions-policy"]


def test_a_browser_keeps_what_has_not_changed(explored: Any) -> None:
    with explored.client() as client:
        first = client.get("/explorer/app.js")
        again = client.get("/explorer/app.js", headers={"if-none-match": first.headers["etag"]})
        other = client.get("/explorer/api.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content, other.status_code) == (304, b"", 200)


@pytest.mark.parametrize(
    "name", ["nothing.js", "../page.py", "..%2fpage.py", "%2e%2e/%2e%2e/app.py", "leaflet/README.md"]
)
def test_a_name_is_looked_up_and_never_opened(name: str, explored: Any) -> None:
    with explored.client() as client:
        answer = client.get(f"/explorer/{name}")
    assert answer.status_code == 404 and "def " not in answer.text


def test_only_the_page_itself_is_open_without_a_key(serve_street: Any) -> None:
    with serve_street(api_keys=(KEY,)) as service, service.client() as client:
        assert client.get("/").status_code == client.get("/explorer/app.js").status_code == 200
        for path in ("/v1/explorer", "/v1/explorer/places/0", "/v1/explorer/samples/0"):
            assert client.get(path).status_code == 401, path
        assert client.post("/v1/explorer/preview?quality=raw&sample=0").status_code == 401
        assert client.get("/v1/explorer", headers={"x-api-key": KEY.secret}).status_code == 200
