"""Send requests to a forge's REST API, retry them where that helps, and never send them to another host.

GitHub's rules for retries: docs.github.com, "Best practices for using the REST API" and "Rate limits".
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from reconciler import __version__
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import UsageError
from reconciler.forge.errors import ForgeFailed, Gone, Refused, Unsure

if TYPE_CHECKING:
    import httpx

ATTEMPTS = 5
PATIENCE_S = 150.0
"""Maximum sum of all pauses of a run."""
_SECONDARY_PAUSE_S = 60.0
"""The pause that GitHub documents for a secondary rate limit without a `Retry-After` header."""
_FIRST_PAUSE_S = 0.4
_TIMEOUT_S = 20.0
_PAGES = 300
"""GitHub returns at most 30,000 comments of one request."""
_MESSAGE_LIMIT = 300
"""Maximum number of characters that are shown of a forge's message."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a successful request."""

    data: Any
    headers: Mapping[str, str]
    following: Mapping[str, str] | None
    """The query parameters of the next page from the `Link` header; None if there is no such link."""


class Wire:
    """A connection to one API. Use it as a context manager."""

    def __init__(self, api_url: str, headers: Mapping[str, str], hints: Mapping[int, str]) -> None:
        """Open a client. `hints` maps an HTTP status of a refusal to the hint of its error."""
        try:
            import httpx
        except ModuleNotFoundError:
            hint = (
                "install the extra `ci`: pip install 'reconcile-postgres[ci]', from the source that you use"
            )
            raise UsageError("commenting requires the library httpx", hint=hint) from None
        self._api_url = api_url
        self._hints = hints
        self._patience_s = PATIENCE_S
        sent = {"User-Agent": f"reconcile/{__version__}", **headers}
        # Redirects are not followed: they would send the token to another address.
        self._client: httpx.Client = httpx.Client(headers=sent, timeout=_TIMEOUT_S, follow_redirects=False)

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def send(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str] | None = None,
        body: object = None,
    ) -> Answer:
        """Send a request to a path below the API's address, or to a URL on its host.

        Raises Gone for the status 404 and 410, and Refused for other refusals; Unsure if it is unknown
        whether a POST was carried out; ForgeFailed if the host does not answer.
        """
        url = path if "://" in path else self._api_url + path
        for attempt in range(ATTEMPTS):
            response = self._try(method, url, parameters, body, attempt)
            if response is None:
                continue
            if response.is_success:
                return _answer(response)
            pause = pause_s(response.status_code, response.headers, _message(response), attempt)
            if pause is None:
                raise self._refused(response)
            if method == "POST" and response.status_code >= 500:
                raise Unsure(f"{_host(url)} answered {response.status_code} to a request")
            if attempt + 1 == ATTEMPTS or pause > self._patience_s:
                raise self._refused(response, f"; retry after {pause:.0f} s" if pause > 1 else "")
            self._wait(pause)
        raise AssertionError("the last attempt returns or raises")

    def pages(self, path: str, parameters: Mapping[str, str]) -> Iterator[Any]:
        """Yield the data of each page. The header `Link` or `X-Next-Page` names the next page."""
        following: Mapping[str, str] | None = parameters
        for _ in range(_PAGES):
            if following is None:
                return
            answer = self.send("GET", path, following)
            yield answer.data
            following = answer.following
            if following is None and (page := answer.headers.get("x-next-page")):
                following = {**parameters, "page": page}

    def pause(self, attempt: int) -> None:
        """Wait before the next attempt."""
        self._wait(_backoff_s(attempt))

    def _wait(self, seconds: float) -> None:
        self._patience_s -= seconds
        time.sleep(seconds)

    def _try(
        self, method: str, url: str, parameters: Mapping[str, str] | None, body: object, attempt: int
    ) -> httpx.Response | None:
        """Send the request once. Return None if it failed in transit and can be sent again."""
        import httpx

        try:
            return self._client.request(method, url, params=parameters, json=body)
        except httpx.ConnectError as error:
            problem = f"cannot reach {_host(url)}: {_line(str(error))}"
        except (httpx.TransportError, httpx.DecodingError) as error:
            problem = f"{_host(url)} did not answer: {_line(str(error)) or type(error).__name__}"
            if method == "POST":
                raise Unsure(problem) from None
        if attempt + 1 == ATTEMPTS:
            hint = "set HTTPS_PROXY to use a proxy, SSL_CERT_FILE to trust your own certificate authority"
            raise ForgeFailed(problem, hint=hint)
        self._wait(_backoff_s(attempt))
        return None

    def _refused(self, response: httpx.Response, more: str = "") -> ForgeFailed:
        status = response.status_code
        message = _message(response)
        what = f"{response.request.method} {response.url.path}: {status}{f', {message}' if message else ''}"
        hint = self._hints.get(status)
        if response.is_redirect:
            hint = "redirects are not followed; check whether the repository was renamed"
        error = Gone if status in (404, 410) else Refused
        return error(f"{response.url.host} refused {what}{more}", hint=hint)


def pause_s(status: int, headers: Mapping[str, str], message: str, attempt: int) -> float | None:
    """Return the seconds to wait before the same request is sent again; None if a retry would not help."""
    is_spent = headers.get("x-ratelimit-remaining") == "0"
    is_limit = status == 429 or (
        status == 403 and ("retry-after" in headers or is_spent or "rate limit" in message.lower())
    )
    if not is_limit and status < 500:
        return None
    pause = _retry_after_s(headers.get("retry-after"))
    if pause is None and is_limit and is_spent and (reset := headers.get("x-ratelimit-reset", "")).isdigit():
        pause = max(int(reset) - time.time(), 0.0)
    if pause is None and is_limit and status == 403:
        pause = _SECONDARY_PAUSE_S
    return _backoff_s(attempt) if pause is None else pause


def _retry_after_s(value: str | None) -> float | None:
    """Return the seconds of a `Retry-After` header, which is a number or a date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except ValueError:
        return None


def _backoff_s(attempt: int) -> float:
    return _FIRST_PAUSE_S * float(2**attempt) * random.uniform(0.5, 1.0)


def _answer(response: httpx.Response) -> Answer:
    following = response.links.get("next", {}).get("url")
    try:
        data = response.json() if response.content else None
    except ValueError:
        host = response.url.host
        hint = "check the API's address; a login page or a proxy may have answered instead"
        raise ForgeFailed(f"the answer of {host} is not JSON", hint=hint) from None
    # Only the parameters of the link are used: an answer must not send the token to another address.
    return Answer(data, response.headers, dict(parse_qsl(urlsplit(following).query)) if following else None)


def _message(response: httpx.Response) -> str:
    try:
        data = response.json()
    except ValueError:
        return ""
    message = data.get("message") or data.get("error") if isinstance(data, dict) else None
    errors = data.get("errors") if isinstance(data, dict) else None
    details = (
        [one["message"] for one in errors if isinstance(one, dict) and "message" in one]
        if isinstance(errors, list)
        else []
    )
    return _line("; ".join(map(str, [*([message] if message else []), *details])))


def _line(text: str) -> str:
    """Return the forge's text on one line: CI systems run lines that start with `::` or `##[`."""
    words = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return words.replace("##[", "[").replace("::", ": :")[:_MESSAGE_LIMIT]


def _host(url: str) -> str:
    return urlsplit(url).netloc
