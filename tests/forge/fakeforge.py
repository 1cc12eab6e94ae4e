"""HTTP servers that behave like the REST APIs of GitHub and GitLab where we use them.

They follow the documentation of the APIs: pages, permissions, limits. A test lists the failures that it
wants in `mishaps`; each applies to one request.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

REPOSITORY = "octo/shop"
NUMBER = 7
BOT = "github-actions[bot]"
WORKFLOW_TOKEN = "ghs_workflow0token"
FORK_TOKEN = "ghs_fork0token"
PERSON_TOKEN = "ghp_person0token"
PROJECT_TOKEN = "glpat-project0token"
JOB_TOKEN = "64_job0token"


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer of a server."""

    status: int
    data: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class Mishap:
    """A failure of the next request that has this method and a matching path."""

    method: str
    path: str
    reply: Reply | None
    """None if the connection is closed without an answer."""
    is_done: bool = False
    """Whether the request is carried out nevertheless."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    token: str


@dataclass
class FakeForge:
    """State and rules that both forges share."""

    comments: list[dict[str, Any]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    mishaps: list[Mishap] = field(default_factory=list)
    brought: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """The requests that the forge lists for a commit."""
    url: str = ""
    per_page: int = 100
    """Maximum number of items of a page."""
    _last: int = 1000

    prefix: ClassVar[str] = ""

    def writes(self) -> list[Request]:
        """Return the requests that change something."""
        return [one for one in self.requests if one.method != "GET" and not one.path.endswith("/graphql")]

    def add(self, body: str, author: str, **more: Any) -> int:
        """Add an existing comment and return its id."""
        self._last += 1
        made = {"id": self._last, "body": body, "author": author, "created_at": self._time(), **more}
        self.comments.append(made)
        return self._last

    def bodies(self) -> list[str]:
        """Return the texts of all comments."""
        return [one["body"] for one in self.comments]

    def find(self, number: int) -> dict[str, Any] | None:
        """Return the comment with that id."""
        return next((one for one in self.comments if one["id"] == number), None)

    def answer(self, request: Request) -> Reply:
        """Return the reply to a request."""
        raise NotImplementedError

    def _time(self) -> str:
        minutes = self._last - 1000
        return f"2026-11-22T{minutes // 60:02}:{minutes % 60:02}:00Z"

    def _page(self, request: Request, items: list[Any]) -> tuple[list[Any], int | None]:
        size = min(int(request.query.get("per_page", "30")), self.per_page)
        page = int(request.query.get("page", "1"))
        start = (page - 1) * size
        return items[start : start + size], page + 1 if start + size < len(items) else None


class FakeGitHub(FakeForge):
    """One repository with one pull request, as api.github.com shows it."""

    logins: ClassVar = {WORKFLOW_TOKEN: BOT, FORK_TOKEN: BOT, PERSON_TOKEN: "ada"}

    def answer(self, request: Request) -> Reply:
        """See FakeForge."""
        login = self.logins.get(request.token)
        if login is None:
            return Reply(401, {"message": "Bad credentials", "documentation_url": "https://docs"})
        if request.path == "/graphql" and request.body == {"query": "{viewer{login}}"}:
            return Reply(200, {"data": {"viewer": {"login": login}}})
        if request.path == "/user":
            is_app = request.token.startswith("ghs_")
            return Reply(403, {"message": _REFUSED}) if is_app else Reply(200, {"login": login})
        if request.method != "GET" and request.token == FORK_TOKEN:
            return Reply(403, {"message": _REFUSED})
        if found := re.fullmatch(f"/repos/{REPOSITORY}/commits/([0-9a-f]+)/pulls", request.path):
            return self._pulls(request, found[1])
        return self._issues(request, login)

    def _pulls(self, request: Request, commit: str) -> Reply:
        if commit not in self.brought:
            return Reply(422, {"message": f"No commit found for SHA: {commit}"})
        items, following = self._page(request, self.brought[commit])
        return Reply(200, items, self._links(request, following))

    def _issues(self, request: Request, login: str) -> Reply:
        base = f"/repos/{REPOSITORY}/issues"
        issue = f"{base}/{NUMBER}"
        if request.path == f"{issue}/comments" and request.method == "GET":
            items, following = self._page(request, self.comments)
            return Reply(200, [self._shown(one) for one in items], self._links(request, following))
        if request.path == f"{issue}/comments" and request.method == "POST":
            return self._written(request, lambda body: self.find(self.add(body, login)), 201)
        if request.path == f"{issue}/labels" and request.method == "POST":
            self.labels += [name for name in request.body["labels"] if name not in self.labels]
            return Reply(200, [{"name": name} for name in self.labels])
        if request.path.startswith(f"{issue}/labels/") and request.method == "DELETE":
            name = unquote(request.path.rpartition("/labels/")[2])
            if name not in self.labels:
                return Reply(404, {"message": "Label does not exist"})
            self.labels.remove(name)
            return Reply(200, [])
        found = re.fullmatch(re.escape(base) + "/comments/([0-9]+)", request.path)
        comment = self.find(int(found[1])) if found else None
        if comment is None:
            return Reply(404, {"message": "Not Found"})
        if request.method == "DELETE":
            self.comments.remove(comment)
            return Reply(204)
        return self._written(request, lambda body: _changed(comment, body), 200)

    def _written(self, request: Request, write: Callable[[str], Any], status: int) -> Reply:
        body = request.body["body"]
        if len(body) > 65_536:
            problem = {"field": "body", "message": "body is too long (maximum is 65536 characters)"}
            return Reply(422, {"message": "Validation Failed", "errors": [problem]})
        return Reply(status, self._shown(write(body)))

    def _shown(self, comment: dict[str, Any]) -> dict[str, Any]:
        login = comment["author"]
        kind = "Bot" if login.endswith("[bot]") else "User"
        user = {"login": login, "type": kind, "id": 1} if login else None
        page = f"https://github.example/{REPOSITORY}/pull/{NUMBER}#issuecomment-{comment['id']}"
        return {**comment, "user": user, "html_url": page, "reactions": {"total_count": 0}}

    def _links(self, request: Request, following: int | None) -> dict[str, str]:
        if following is None:
            return {}
        query = urlencode(request.query | {"page": str(following)})
        # GitHub's own links name the repository by its number.
        return {"Link": f'<{self.url}/repositories/1/issues/{NUMBER}/comments?{query}>; rel="next"'}


class FakeGitLab(FakeForge):
    """One project with one merge request, as a server's /api/v4 shows it."""

    prefix: ClassVar[str] = "/api/v4"
    names: ClassVar = {PROJECT_TOKEN: "project_1_bot"}

    def answer(self, request: Request) -> Reply:
        """See FakeForge."""
        name = self.names.get(request.token)
        if name is None:
            return Reply(401, {"message": "401 Unauthorized"})
        path = request.path.removeprefix(self.prefix)
        if path == "/user":
            return Reply(200, {"id": 5, "username": name})
        if found := re.fullmatch("/projects/42/repository/commits/([0-9a-f]+)/merge_requests", path):
            items, following = self._page(request, self.brought.get(found[1], []))
            return Reply(200, items, {"X-Next-Page": str(following or "")})
        merge_request = next(
            (
                start
                for project in ("42", "octo%2Fshop")
                if path.startswith(start := f"/projects/{project}/merge_requests/{NUMBER}")
            ),
            None,
        )
        if merge_request is None:
            return Reply(404, {"message": "404 Project Not Found"})
        return self._notes(request, path.removeprefix(merge_request), name)

    def _notes(self, request: Request, path: str, name: str) -> Reply:
        if path == "" and request.method == "PUT":
            return self._relabelled(request)
        if path == "/notes" and request.method == "GET":
            items, following = self._page(request, self.comments)
            return Reply(200, [self._shown(one) for one in items], {"X-Next-Page": str(following or "")})
        if path == "/notes" and request.method == "POST":
            return self._written(request, lambda body: self.find(self.add(body, name)), 201)
        found = re.fullmatch("/notes/([0-9]+)", path)
        note = self.find(int(found[1])) if found else None
        if note is None:
            return Reply(404, {"message": "404 Note Not Found"})
        if note["author"] != name:
            return Reply(403, {"message": "403 Forbidden"})
        if request.method == "DELETE":
            self.comments.remove(note)
            return Reply(204)
        return self._written(request, lambda body: _changed(note, body), 200)

    def _written(self, request: Request, write: Callable[[str], Any], status: int) -> Reply:
        body = request.body["body"]
        if len(body) > 1_000_000:
            return Reply(400, {"message": {"note": ["is too long (maximum is 1000000 characters)"]}})
        return Reply(status, self._shown(write(body)))

    def _relabelled(self, request: Request) -> Reply:
        for name in filter(None, request.body.get("add_labels", "").split(",")):
            if name not in self.labels:
                self.labels.append(name)
        for name in filter(None, request.body.get("remove_labels", "").split(",")):
            if name in self.labels:
                self.labels.remove(name)
        return Reply(200, {"iid": NUMBER, "labels": self.labels})

    def _shown(self, note: dict[str, Any]) -> dict[str, Any]:
        return {"system": False, "type": None, **note, "author": {"id": 1, "username": note["author"]}}


def _changed(comment: dict[str, Any], body: str) -> dict[str, Any]:
    comment["body"] = body
    return comment


_REFUSED = "Resource not accessible by integration"


@contextmanager
def running(forge: FakeForge) -> Iterator[None]:
    """Serve the forge on loopback and set its `url`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            sent = self.rfile.read(length)
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            token = (
                self.headers.get("PRIVATE-TOKEN")
                or self.headers.get("JOB-TOKEN")
                or self.headers.get("Authorization", "").removeprefix("Bearer ")
            )
            request = Request(self.command, parts.path, query, json.loads(sent) if sent else None, token)
            forge.requests.append(request)
            reply = self._mishap(request) or _resolved(forge, request)
            if reply is _CUT:
                self.close_connection = True
                self.connection.close()
                return
            content = reply.raw if reply.raw is not None else json.dumps(reply.data).encode()
            content = b"" if reply.status == 204 else content
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _mishap(self, request: Request) -> Reply | None:
            for mishap in forge.mishaps:
                if request.method in mishap.method.split("|") and re.search(mishap.path, request.path):
                    forge.mishaps.remove(mishap)
                    if mishap.is_done:
                        forge.answer(request)
                    return mishap.reply or _CUT
            return None

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

        def log_message(self, *_: object) -> None:
            """Write nothing to the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    forge.url = f"http://127.0.0.1:{server.server_port}{forge.prefix}"
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


_CUT = Reply(0)


def _resolved(forge: FakeForge, request: Request) -> Reply:
    # GitHub's links to further pages go through the repository's number.
    path = request.path.replace("/repositories/1/", f"/repos/{REPOSITORY}/")
    return forge.answer(Request(request.method, path, request.query, request.body, request.token))
