"""The one connection to Redis: many ask at once, each gets its own replies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any
from urllib.parse import urlsplit

import hiredis
import pytest
import redis

from api.inference.redis_pipe import RedisPipe
from saas.lib.config import config
from tests.api.inference.conftest import PATIENCE_SECONDS


@pytest.fixture
def server() -> Iterator[redis.Redis]:
    """Redis with what the tests read."""
    with redis.Redis.from_url(config().redis_url) as client:
        client.set("pipe:word", b"\x00\xff\r\n")
        client.rpush("pipe:list", *range(3))
        yield client
        client.delete("pipe:word", "pipe:list")


def run(
    ask: Callable[[RedisPipe], Coroutine[Any, Any, Any]],
    url: str | None = None,
    *,
    patience: float = PATIENCE_SECONDS,
) -> Any:
    async def within() -> Any:
        pipe = RedisPipe(url or config().redis_url, patience=patience)
        try:
            return await ask(pipe)
        finally:
            pipe.drop()

    return asyncio.run(within())


def test_each_command_has_its_reply(server: redis.Redis) -> None:
    commands = [("GET", "pipe:word"), ("LRANGE", "pipe:list", 0, -1), ("GET", "pipe:none")]
    replies = run(lambda pipe: pipe.ask(commands))
    assert replies == [b"\x00\xff\r\n", [b"0", b"1", b"2"], None]


def test_a_thousand_callers_get_each_their_own(server: redis.Redis) -> None:
    async def ask(pipe: RedisPipe) -> Any:
        questions: list[Awaitable[list[Any]]] = [
            pipe.ask([("ECHO", number), ("ECHO", -number)]) for number in range(1_000)
        ]
        return await asyncio.gather(*questions)

    expected = [[b"%d" % number, b"%d" % -number] for number in range(1_000)]
    assert run(ask) == expected


def test_a_refused_command_fails_its_caller_alone(server: redis.Redis) -> None:
    async def ask(pipe: RedisPipe) -> Any:
        return await asyncio.gather(
            pipe.ask([("ECHO", "a"), ("GET", "pipe:list"), ("ECHO", "b")]),
            pipe.ask([("ECHO", "c")]),
            return_exceptions=True,
        )

    refused, answered = run(ask)
    assert isinstance(refused, hiredis.ReplyError)
    assert answered == [b"c"]


def test_who_gives_up_waiting_takes_no_one_elses_reply(server: redis.Redis) -> None:
    async def ask(pipe: RedisPipe) -> Any:
        await pipe.ask([("PING",)])
        impatient = asyncio.ensure_future(pipe.ask([("ECHO", "late")]))
        patient = asyncio.ensure_future(pipe.ask([("ECHO", "mine")]))
        await asyncio.sleep(0)
        impatient.cancel()
        return await patient

    assert run(ask) == [b"mine"]


def test_a_lost_connection_fails_what_was_asked_and_the_next_question_has_a_new_one(
    server: redis.Redis,
) -> None:
    async def ask(pipe: RedisPipe) -> list[Any]:
        [number] = await pipe.ask([("CLIENT", "ID")])
        waiting = asyncio.ensure_future(pipe.ask([("BLPOP", "pipe:none", 0)]))
        # In the same connection's order: what follows is sent behind it.
        await asyncio.sleep(0)
        await asyncio.to_thread(server.client_kill_filter, _id=str(number))
        with pytest.raises(ConnectionError):
            await waiting
        return await pipe.ask([("ECHO", "again")])

    assert run(ask) == [b"again"]


def test_who_is_not_answered_in_time_learns_it(server: redis.Redis) -> None:
    with pytest.raises(TimeoutError):
        run(lambda pipe: pipe.ask([("BLPOP", "pipe:none", 0)]), patience=0.2)


def test_a_server_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        run(lambda pipe: pipe.ask([("PING",)]), url="unix:///nonexistent")


def test_a_password_and_a_database_are_part_of_the_greeting(server: redis.Redis) -> None:
    server.acl_setuser("pipe-user", enabled=True, passwords=["+secret"], commands=["+@all"])
    try:
        place = urlsplit(config().redis_url).netloc.rpartition("@")[2]
        url = f"redis://pipe-user:secret@{place}/1"
        assert b"user=pipe-user" in run(lambda pipe: pipe.ask([("CLIENT", "INFO")]), url=url)[0]
        assert b"db=1" in run(lambda pipe: pipe.ask([("CLIENT", "INFO")]), url=url)[0]
        wrong = url.replace("secret", "wrong")
        with pytest.raises(hiredis.ReplyError, match="WRONGPASS"):
            run(lambda pipe: pipe.ask([("PING",)]), url=wrong)
    finally:
        server.acl_deluser("pipe-user")
