"""Requests to a forge's REST API: tried again where that helps, and never sent to another host.

GitHub's rules for trying again: docs.github.com, "Best practices for using the REST API" and "Rate limits".
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
"""The most that all pauses of a run take together."""
_SECONDARY_PAUSE_S = 60.0
"""What GitHub asks for where it does not say how long."""
_FIRST_PAUSE_S = 0.4
_TIMEOUT_S = 20.0
_PAGES = 300
"""GitHub gives no more comments of one request than 30,000."""
_SAID = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, with success."""

    data: Any
    headers: Mapping[str, str]
    following: Mapping[str, str] | None
    """The parameters of the next page, as the `Link` header has them."""


class Wire:
    """A connection to one API. Use it as a context manager."""

    def __init__(self, api_url: str, headers: Mapping[str, str], hints: Mapping[int, str]) -> None:
        """`hints` say for a refusing status how to go on."""
        try:
            import httpx
        except ModuleNotFoundError:
            hint = (
                "install it with its extra `ci`: pip install 'reconcile-postgres[ci]', from where you have it"
            )
            raise UsageError("to comment needs the library httpx", hint=hint) from None
        self._api_url = api_url
        self._hints = hints
        self._patience_s = PATIENCE_S
        sent = {"User-Agent": f"reconcile/{__version__}", **headers}
        # A redirect is not followed: it would carry the token to wherever it leads.
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

        Raises Gone for 404 and 410 and Refused for others; Unsure where a POST may have been carried out or
        not; ForgeFailed where nobody answers.
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
                raise self._refused(response, f"; it asks to wait {pause:.0f} s" if pause > 1 else "")
            self._wait(pause)
        raise AssertionError("the last attempt returns or raises")

    def pages(self, path: str, parameters: Mapping[str, str]) -> Iterator[Any]:
        """What stands on all pages, page by page. Where the next one is, `Link` or `X-Next-Page` says."""
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
        """Wait before something is looked at again."""
        self._wait(_backoff_s(attempt))

    def _wait(self, seconds: float) -> None:
        self._patience_s -= seconds
        time.sleep(seconds)

    def _try(
        self, method: str, url: str, parameters: Mapping[str, str] | None, body: object, attempt: int
    ) -> httpx.Response | None:
        """One attempt; nothing where it failed on the way and the next one may go through."""
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
            hint = "a proxy is named in HTTPS_PROXY, an authority of your own in SSL_CERT_FILE"
            raise ForgeFailed(problem, hint=hint)
        self._wait(_backoff_s(attempt))
        return None

    def _refused(self, response: httpx.Response, more: str = "") -> ForgeFailed:
        status = response.status_code
        said = _message(response)
        what = f"{response.request.method} {response.url.path}: {status}{f', {said}' if said else ''}"
        hint = self._hints.get(status)
        if response.is_redirect:
            hint = "it leads elsewhere, and is not followed: was the repository renamed?"
        sort = Gone if status in (404, 410) else Refused
        return sort(f"{response.url.host} refused {what}{more}", hint=hint)


def pause_s(status: int, headers: Mapping[str, str], message: str, attempt: int) -> float | None:
    """Seconds until the same request may be sent again; None where that would not help."""
    is_spent = headers.get("x-ratelimit-remaining") == "0"
    is_limit = status == 429 or (
        status == 403 and ("retry-after" in headers or is_spent or "rate limit" in message.lower())
    )
    if not is_limit and status < 500:
        return None
    said = _retry_after_s(headers.get("retry-after"))
    if said is None and is_limit and is_spent and (reset := headers.get("x-ratelimit-reset", "")).isdigit():
        said = max(int(reset) - time.time(), 0.0)
    if said is None and is_limit and status == 403:
        said = _SECONDARY_PAUSE_S
    return _backoff_s(attempt) if said is None else said


def _retry_after_s(value: str | None) -> float | None:
    """RFC 9110, 10.2.3: seconds or a date."""
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
        hint = "is the API's address right? A login page or a proxy may stand in between"
        raise ForgeFailed(f"{host} answered with something that is not JSON", hint=hint) from None
    # Only the parameters are taken: where the address itself leads is not for the answer to say.
    return Answer(data, response.headers, dict(parse_qsl(urlsplit(following).query)) if following else None)


def _message(response: httpx.Response) -> str:
    try:
        data = response.json()
    except ValueError:
        return ""
    said = data.get("message") or data.get("error") if isinstance(data, dict) else None
    errors = data.get("errors") if isinstance(data, dict) else None
    details = (
        [one["message"] for one in errors if isinstance(one, dict) and "message" in one]
        if isinstance(errors, list)
        else []
    )
    return _line("; ".join(map(str, [*([said] if said else []), *details])))


def _line(text: str) -> str:
    """Somebody else's words on one line: CI systems obey lines that begin with `::` or `##[`."""
    words = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return words.replace("##[", "[").replace("::", ": :")[:_SAID]


def _host(url: str) -> str:
    return urlsplit(url).netloc
