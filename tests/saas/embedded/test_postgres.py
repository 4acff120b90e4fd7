from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from saas.embedded.account import Account
from saas.embedded.postgres import EmbeddedPostgres
from saas.embedded.processes import start_mark
from saas.embedded.service import ServiceFailed
from saas.embedded.socket_folder import socket_folder_for
from saas.embedded.wheel_binaries import postgres_bin

AS_NOBODY = """
import os, sys
from pathlib import Path
import psycopg
from saas.embedded.postgres import EmbeddedPostgres
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
with EmbeddedPostgres(folder=Path(sys.argv[1])) as server:
    server.start()
    with psycopg.connect(server.app_url) as connection:
        print(connection.execute("SELECT current_user").fetchone()[0])
"""


def ask(url: str, query: str) -> Any:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
        return row[0] if row else None


def tell(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """One server for this file, at a path with spaces that is too long for a socket."""
    folder = tmp_path_factory.mktemp("a folder with spaces") / ("long " * 20).strip()
    with EmbeddedPostgres(folder=folder) as started:
        started.start()
        yield started


@pytest.fixture
def marked(server: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    """The server with one committed row in the table `kept`."""
    tell(server.owner_url, "CREATE TABLE kept AS SELECT 42 AS answer")
    yield server
    tell(server.owner_url, "DROP TABLE kept")


def test_both_logins_work_and_neither_is_a_superuser(server: EmbeddedPostgres) -> None:
    query = "SELECT rolname || ' ' || rolsuper FROM pg_roles WHERE rolname = current_user"

    assert ask(server.owner_url, query) == "shelfwise_owner false"
    assert ask(server.app_url, query) == "shelfwise_app false"


def test_it_is_postgresql_18_with_durable_commits_and_checksums(server: EmbeddedPostgres) -> None:
    settings = ("fsync", "synchronous_commit", "full_page_writes", "data_checksums")

    assert {ask(server.app_url, f"SHOW {name}") for name in settings} == {"on"}
    assert ask(server.app_url, "SHOW server_version").startswith("18.")


def test_it_listens_on_no_port(server: EmbeddedPostgres) -> None:
    assert ask(server.app_url, "SHOW listen_addresses") == ""


def test_its_log_carries_no_customers_values(server: EmbeddedPostgres) -> None:
    tell(server.owner_url, "CREATE TABLE member (email text CONSTRAINT member_once UNIQUE)")
    with psycopg.connect(server.owner_url, autocommit=True) as connection:
        connection.execute("INSERT INTO member VALUES (%s)", ["ada@example.com"])
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO member VALUES (%s)", ["ada@example.com"])
    log = (server.folder / "postgres.log").read_text()
    assert "member_once" in log
    assert "ada@example.com" not in log


def test_the_owner_can_make_roles_and_owns_the_public_schema(server: EmbeddedPostgres) -> None:
    query = "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'public'"

    assert ask(server.owner_url, query) == "shelfwise_owner"
    tell(server.owner_url, "CREATE ROLE r_made_by_owner NOLOGIN")
    tell(server.owner_url, "GRANT r_made_by_owner TO shelfwise_app WITH INHERIT FALSE, SET TRUE")


def test_the_app_may_not_create_anything_in_public(server: EmbeddedPostgres) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        tell(server.app_url, "CREATE TABLE mine (id int)")


def test_a_further_database_has_the_same_logins_and_rights(server: EmbeddedPostgres) -> None:
    urls = server.create_database(name="second")

    tell(urls.owner_url, "CREATE TABLE here (id int)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        tell(urls.app_url, "CREATE TABLE mine (id int)")
    assert ask(server.owner_url, "SELECT to_regclass('here')") is None


def test_a_restart_keeps_the_data(marked: EmbeddedPostgres) -> None:
    marked.stop()
    marked.start()

    assert ask(marked.owner_url, "SELECT answer FROM kept") == 42


def test_a_kill_9_of_the_server_loses_nothing(marked: EmbeddedPostgres) -> None:
    assert marked.pid is not None
    os.kill(marked.pid, signal.SIGKILL)
    marked.stop()
    marked.start()

    assert ask(marked.owner_url, "SELECT answer FROM kept") == 42


def test_a_folder_in_use_is_refused_and_its_server_serves_on(server: EmbeddedPostgres) -> None:
    with (
        pytest.raises(ServiceFailed, match="is in use by another process"),
        EmbeddedPostgres(folder=server.folder) as second,
    ):
        second.start()

    assert ask(server.app_url, "SELECT 1") == 1


def test_no_socket_is_left_after_a_stop(server: EmbeddedPostgres) -> None:
    sockets = socket_folder_for(server.folder / "data")
    assert sockets.exists()
    server.stop()
    assert not sockets.exists()
    server.start()


def test_a_server_whose_owner_was_killed_is_replaced(tmp_path: Path) -> None:
    abandoned = EmbeddedPostgres(folder=tmp_path / "cluster")
    service = abandoned.prepare()
    account = service.account
    orphan = subprocess.Popen(
        service.command,
        env=service.environment,
        cwd=service.folder,
        user=account.uid if account else None,
        group=account.gid if account else None,
        stderr=subprocess.DEVNULL,
    )
    while not service.is_ready(orphan.pid):
        assert orphan.poll() is None
    # As the kernel does when a process is killed.
    abandoned.stop()

    with EmbeddedPostgres(folder=tmp_path / "cluster") as server:
        server.start()

        assert orphan.wait(timeout=10) == 0
        assert ask(server.app_url, "SELECT 1") == 1


def test_a_process_that_got_the_dead_servers_id_does_not_matter(
    server: EmbeddedPostgres,
) -> None:
    server.stop()
    account = server.account
    with subprocess.Popen(
        ["cat"], stdin=subprocess.PIPE, user=account.uid if account else None
    ) as innocent:
        (server.folder / "data" / "postmaster.pid").write_text(f"{innocent.pid}\n")
        server.start()

        assert innocent.poll() is None
        assert ask(server.app_url, "SELECT 1") == 1
        innocent.communicate()


def test_an_interrupted_creation_is_redone(tmp_path: Path) -> None:
    half = tmp_path / "data.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")

    with EmbeddedPostgres(folder=tmp_path) as server:
        server.start()

        assert ask(server.app_url, "SELECT 1") == 1


def test_the_callers_postgres_variables_change_nothing(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATA", "/nonexistent")
    monkeypatch.setenv("PGHOST", "/nonexistent")
    server.stop()
    server.start()

    assert ask(server.app_url, "SELECT 1") == 1


def test_root_runs_it_as_somebody_else_below_a_closed_folder(
    nobody: Account, server: EmbeddedPostgres
) -> None:
    closed = [folder for folder in server.folder.parents if not folder.stat().st_mode & 0o001]

    assert closed, "pytest's folder is open to its owner alone"
    assert Path(f"/proc/{server.pid}").stat().st_uid == nobody.uid


def test_an_ordinary_user_runs_it_too(nobody: Account, open_folder: Path) -> None:
    if not nobody.can_reach(postgres_bin(account=None)):
        pytest.skip("the project lies in a folder that is closed to other users")
    open_folder.chmod(0o777)

    ended = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(open_folder / "cluster")],
        capture_output=True,
        text=True,
    )

    assert (ended.returncode, ended.stdout) == (0, "shelfwise_app\n"), ended.stderr


def test_the_server_ends_with_its_owner(tmp_path: Path, eventually: Callable[..., None]) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells a process that its parent was killed")
    program = """
import sys
from pathlib import Path
from saas.embedded.postgres import EmbeddedPostgres
server = EmbeddedPostgres(folder=Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout
        pid = owner.stdout.readline().strip()
        owner.kill()

    eventually(lambda: start_mark(int(pid)) is None)
    EmbeddedPostgres(folder=tmp_path).remove_sockets()
