"""The controller over REST, for one person with one token: every failure becomes a sentence and an exit code."""

import json
import os
import ssl
import tomllib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from cli.errors import Exit, Failed
from cli.speaking import language_from
from cli.told import for_a_person
from languages.language import ENGLISH, Language, language_of

CONFIG = Path("~/.config/grifo/cli.toml")

_LONG = httpx.Timeout(600, connect=5)
"""A long answer tells its progress; between two lines it may think for a while."""

_KEYS = frozenset({"url", "token_file", "ca_file", "language"})


@dataclass(frozen=True, slots=True)
class Access:
    """Where the controller is, and who asks, in which language. The token is not shown."""

    url: str
    token: str = field(repr=False)
    ca_file: Path | None = None
    language: Language = field(default_factory=lambda: language_of(ENGLISH))


def access_from(environment: Mapping[str, str], config: Path = CONFIG) -> Access:
    """From GRIFO_URL, GRIFO_TOKEN or GRIFO_TOKEN_FILE, GRIFO_CA_FILE, GRIFO_LANG, else from the file. Raises Failed."""
    written = _config(config.expanduser())
    url = environment.get("GRIFO_URL") or written.get("url")
    if not url:
        raise Failed(f"Where is the controller? Set GRIFO_URL, or url in {config}.", Exit.USAGE)
    if not url.startswith(("https://", "http://")):
        raise Failed(f"The controller's URL must begin with https:// or http://, not {url!r}.", Exit.USAGE)
    ca_file = environment.get("GRIFO_CA_FILE") or written.get("ca_file")
    token, language = _token(environment, written, config), language_from(environment, written.get("language"))
    return Access(url.rstrip("/"), token, Path(ca_file) if ca_file else None, language)


def _config(path: Path) -> dict[str, str]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
        raise Failed(f"{path}: {wrong}", Exit.USAGE) from wrong
    for key, value in data.items():
        if key not in _KEYS or not isinstance(value, str):
            raise Failed(f"{path}: {key} is not known or no text; known are {', '.join(sorted(_KEYS))}.", Exit.USAGE)
    return data


def _token(environment: Mapping[str, str], written: Mapping[str, str], config: Path) -> str:
    token = environment.get("GRIFO_TOKEN")
    file = environment.get("GRIFO_TOKEN_FILE") or written.get("token_file")
    if not token and file:
        try:
            token = Path(file).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as wrong:
            raise Failed(f"The token can't be read: {wrong}", Exit.USAGE) from wrong
    if not token:
        words = f"Who are you? Set GRIFO_TOKEN or GRIFO_TOKEN_FILE, or token_file in {config}."
        raise Failed(words, Exit.USAGE)
    if not token.isascii() or not token.isprintable():
        raise Failed("The token holds characters that no token has; check what it was read from.", Exit.USAGE)
    return token


class Client:
    """One controller. Every method returns the API's JSON, or raises Failed."""

    def __init__(self, access: Access, transport: httpx.BaseTransport | None = None) -> None:
        self._url = access.url
        self.language = access.language
        self._http = httpx.Client(
            base_url=access.url,
            headers={"Authorization": f"Bearer {access.token}", "Accept-Language": access.language.wanted},
            verify=_trust(access),
            timeout=httpx.Timeout(60, connect=5),
            transport=transport,
            trust_env=False,
        )

    def get(self, *path: str, **query: str | int) -> Any:
        """GET /v1/<path>."""
        return self._call("GET", path, params=query)

    def put(self, *path: str, body: Mapping[str, Any]) -> Any:
        """PUT /v1/<path>."""
        return self._call("PUT", path, json=_filled(body))

    def post(self, *path: str, body: Mapping[str, Any] | None = None) -> Any:
        """POST /v1/<path>; each call is an order of its own (Idempotency-Key)."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return self._call("POST", path, json=_filled(body or {}), headers=headers)

    def send(self, *path: str, content: bytes, media_type: str) -> Any:
        """POST /v1/<path> with a body of another kind."""
        return self._call("POST", path, content=content, headers={"Content-Type": media_type})

    def delete(self, *path: str, **query: str) -> Any:
        """DELETE /v1/<path>."""
        return self._call("DELETE", path, params=query)

    def lines(
        self, method: str, *path: str, body: Mapping[str, Any] | None = None, query: Mapping[str, str] | None = None
    ) -> Iterator[Any]:
        """The JSON of each line of a long answer, as it comes. Raises Failed, in the middle too."""
        asked: dict[str, Any] = {} if body is None else {"json": _filled(body)}
        try:
            with self._http.stream(method, _where(path), params=query, timeout=_LONG, **asked) as answer:
                if not answer.is_success:
                    answer.read()
                    raise Failed(for_a_person(_problem(answer), path[-1]), _code(answer.status_code))
                yield from map(json.loads, answer.iter_lines())
        except (httpx.HTTPError, httpx.InvalidURL) as wrong:
            raise self._unreachable(wrong) from wrong

    def close(self) -> None:
        """Drop the connection."""
        self._http.close()

    def _call(self, method: str, path: tuple[str, ...], **request: Any) -> Any:
        try:
            answer = self._http.request(method, _where(path), **request)
        except (httpx.HTTPError, httpx.InvalidURL) as wrong:
            raise self._unreachable(wrong) from wrong
        if answer.is_success:
            return answer.json() if answer.content else None
        raise Failed(for_a_person(_problem(answer), path[-1]), _code(answer.status_code))

    def _unreachable(self, wrong: Exception) -> Failed:
        return Failed(f"The controller at {self._url} can't be reached: {wrong}", Exit.UNREACHABLE)


def _where(path: tuple[str, ...]) -> str:
    return "/v1/" + "/".join(quote(part, safe="") for part in path)


def _trust(access: Access) -> ssl.SSLContext | bool:
    if not access.url.startswith("https"):
        return False
    try:
        return ssl.create_default_context(cafile=access.ca_file)
    except (OSError, ssl.SSLError) as wrong:
        raise Failed(f"The certificates of {access.ca_file} can't be read: {wrong}", Exit.USAGE) from wrong


def _filled(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


def _problem(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"The controller answered {answer.status_code}, but not as grifo does; is GRIFO_URL right?"


def _code(status: int) -> Exit:
    if status in (401, 403):
        return Exit.FORBIDDEN
    return Exit.UNREACHABLE if status >= 500 else Exit.REFUSED


def client_from_environment() -> Client:
    """The client that the person's environment describes."""
    return Client(access_from(os.environ))
