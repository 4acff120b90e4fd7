"""One port carries everything: recommendation calls, the API, probes."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import orjson
import pytest

from engine.models.imports import Import
from engine.services.import_uploads import upload_path
from engine.services.remove_old_artifacts import artifacts_of
from saas.lib.download_links import LINK_PATH
from saas.lib.strict_json import MAX_BODY_BYTES
from tenants.context import in_environment, on_platform
from tenants.models.job import Job
from tests.conftest import Store
from tests.saas.running import running

PIECE = 1024 * 1024
LINGER_BYTES = 32 * PIECE
Call = Callable[[httpx.AsyncClient], Awaitable[None]]


def serve(call: Call) -> None:
    from api.inference.runtime import Runtime
    from saas.asgi import WebApplication
    from saas.lib.config import config

    async def main() -> None:
        async with running(WebApplication(Runtime(config()))) as client:
            await call(client)

    asyncio.run(main())


def test_the_same_key_opens_both_services(acorn_store: Store) -> None:
    async def call(client: httpx.AsyncClient) -> None:
        headers = {"Authorization": f"Bearer {acorn_store.key}"}
        me = await client.get("/v1/me", headers=headers)
        assert (me.status_code, me.json()["tenant"]) == (200, "acorn-books")
        popular = await client.post("/v1/recommend/popular", headers=headers, json={})
        assert (popular.status_code, popular.json()["type"]) == (200, "popular")

    serve(call)


def test_a_token_of_django_is_read_by_inference(acorn_store: Store) -> None:
    async def call(client: httpx.AsyncClient) -> None:
        issued = await client.post("/v1/auth/token", json={"api_key": acorn_store.key})
        headers = {"Authorization": f"Bearer {issued.json()['access_token']}"}
        answer = await client.post("/v1/recommend/popular", headers=headers, json={})
        assert answer.status_code == 200, answer.text

    serve(call)


def test_both_services_refuse_a_stranger_with_one_body(acorn_store: Store) -> None:
    async def call(client: httpx.AsyncClient) -> None:
        bodies = []
        for method, path in [("GET", "/v1/me"), ("POST", "/v1/recommend/popular")]:
            answer = await client.request(method, path, headers={"X-Request-Id": "same"})
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="shelfwise"'
            bodies.append((answer.status_code, answer.json()))
        assert bodies[0] == bodies[1]
        assert bodies[0][0] == 401

    serve(call)


def test_an_unknown_path_is_a_problem_in_both(acorn_store: Store) -> None:
    async def call(client: httpx.AsyncClient) -> None:
        for path in ("/nowhere", "/v1/nowhere", "/v1/recommend/nowhere", "/v1/recommendx"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path

    serve(call)


def test_an_encoded_slash_reaches_the_view(acorn_store: Store) -> None:
    async def call(client: httpx.AsyncClient) -> None:
        headers = {"Authorization": f"Bearer {acorn_store.key}"}
        answer = await client.delete("/v1/keys/a%2Fb", headers=headers)
        assert "'a/b'" in answer.json()["detail"]

    serve(call)


def test_a_body_in_pieces_is_read_whole(acorn_store: Store) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for byte in orjson.dumps({"api_key": acorn_store.key}):
            yield bytes([byte])

    async def call(client: httpx.AsyncClient) -> None:
        answer = await client.post(
            "/v1/auth/token", content=pieces(), headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 200, answer.text
        large = await client.post(
            "/v1/auth/token",
            content=b" " * (6 * 1024 * 1024),
            headers={"Content-Type": "application/json"},
        )
        assert (large.status_code, large.json()["code"]) == (413, "payload_too_large")

    serve(call)


def test_a_file_without_a_length_goes_into_the_store_as_it_comes(acorn_store: Store) -> None:
    """More than a body may hold, as curl sends what it reads from a pipe."""
    row = b"x" * 1024 * 1024

    async def pieces(*, rows: int) -> AsyncIterator[bytes]:
        yield b'--part\r\nContent-Disposition: form-data; name="kind"\r\n\r\nitems\r\n'
        yield b'--part\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(rows):
            yield row
        yield b"\r\n--part--\r\n"

    async def call(client: httpx.AsyncClient) -> None:
        headers = {
            "Authorization": f"Bearer {acorn_store.key}",
            "Content-Type": "multipart/form-data; boundary=part",
        }
        taken = await client.post("/v1/imports", content=pieces(rows=7), headers=headers)
        assert taken.status_code == 202, taken.text
        path = upload_path(environment_id=acorn_store.live.pk, import_id=taken.json()["id"])
        assert path.stat().st_size == 7 * len(row)
        elsewhere = await client.post("/v1/keys", content=pieces(rows=7), headers=headers)
        assert (elsewhere.status_code, elsewhere.json()["code"]) == (413, "payload_too_large")
        mp.setattr("api.v1.uploads.MAX_UPLOAD_BYTES", 6 * len(row))
        large = await client.post("/v1/imports", content=pieces(rows=7), headers=headers)
        assert (large.status_code, large.json()["code"]) == (413, "import_too_large")

    with pytest.MonkeyPatch.context() as mp:
        serve(call)
    with on_platform():
        Job.objects.all().delete()
    with in_environment(acorn_store.live):
        Import.objects.all().delete()
    shutil.rmtree(artifacts_of(acorn_store.live.pk))


def test_a_query_that_is_not_ascii_is_a_problem(acorn_store: Store) -> None:
    async def call(client: httpx.AsyncClient) -> None:
        answers: list[Any] = []
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/v1/me",
            "raw_path": b"/v1/me",
            "query_string": b"q=\xff",
            "headers": [],
        }

        async def send(message: Any) -> None:
            answers.append(message)

        application: Any = client._transport.app  # type: ignore[attr-defined]
        await application(scope, None, send)
        assert answers[0]["status"] == 400

    serve(call)


def test_the_probes_speak_for_the_whole_and_tell_no_details(
    acorn_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def call(client: httpx.AsyncClient) -> None:
        assert (await client.get("/healthz")).json() == {"status": "alive"}
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["ready"]) == (200, True)
        names = [row["name"] for row in ready.json()["checks"]]
        assert names == ["postgresql", "redis", "control", "usage_log"]

    serve(call)

    def away(_: str) -> Callable[[], str]:
        return lambda: "connection to 10.0.0.7 refused"

    monkeypatch.setattr("saas.asgi.redis_answers", away)

    async def call_without_redis(client: httpx.AsyncClient) -> None:
        ready = await client.get("/readyz")
        assert ready.status_code == 503
        assert "10.0.0.7" not in ready.text
        assert {"name": "redis", "ok": False} in ready.json()["checks"]

    serve(call_without_redis)


def test_a_download_link_is_answered_without_a_credential() -> None:
    async def call(client: httpx.AsyncClient) -> None:
        answer = await client.get(f"{LINK_PATH}no-link")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert answer.json()["detail"].startswith("This link opens no file")

    serve(call)


def test_a_body_that_is_too_large_is_answered_without_reading_on(acorn_store: Store) -> None:
    async def call(client: httpx.AsyncClient) -> None:
        for headers, reads_before in [
            ([(b"transfer-encoding", b"chunked")], MAX_BODY_BYTES // PIECE + 1),
            ([(b"content-length", b"999999999999")], 0),
        ]:
            reads: list[int] = []
            answers: list[tuple[int, Any]] = []
            await client._transport.app(_post(headers), _endless(reads), _noting(reads, answers))  # type: ignore[attr-defined]
            (read, head), (_, body), (read_in_all, end) = answers
            assert head["status"] == 413
            assert (b"connection", b"close") in head["headers"]
            assert orjson.loads(body["body"])["code"] == "payload_too_large"
            assert read == reads_before
            # A client that sends before it reads is given a while, and no more.
            assert read_in_all == read + LINGER_BYTES // PIECE
            assert end == {"type": "http.response.body"}

    serve(call)


def _post(headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "POST",
        "http_version": "1.1",
        "path": "/v1/auth/token",
        "raw_path": b"/v1/auth/token",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json"), *headers],
    }


def _endless(reads: list[int]) -> Any:
    async def receive() -> Any:
        reads.append(PIECE)
        return {"type": "http.request", "body": b" " * PIECE, "more_body": True}

    return receive


def _noting(reads: list[int], answers: list[tuple[int, Any]]) -> Any:
    async def send(message: Any) -> None:
        answers.append((len(reads), message))

    return send
