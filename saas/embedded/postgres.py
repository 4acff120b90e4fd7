"""Runs PostgreSQL from the wheel's binaries: the durable state of the embedded default."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql
from typing_extensions import override

from saas.embedded.account import server_account
from saas.embedded.embedded_server import EmbeddedServer
from saas.embedded.processes import end_processes, processes_in
from saas.embedded.service import Service, ServiceFailed
from saas.embedded.socket_folder import make_socket_folder
from saas.embedded.wheel_binaries import postgres_bin

_SUPERUSER = "postgres"
_OWNER = "shelfwise_owner"
_APP = "shelfwise_app"
_DATABASE = "shelfwise"
_PORT = 5432
_SETTINGS = {
    "port": str(_PORT),
    "listen_addresses": "",
    "max_connections": "100",
    # A migration of many tenants' schemas locks every table of each in one transaction.
    "max_locks_per_transaction": "512",
    "fsync": "on",
    "synchronous_commit": "on",
    # The details of an error are a customer's values: its log is no place for them.
    "log_error_verbosity": "terse",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# Changed in template1, so that every database made later has the same owner and rights.
_BOOTSTRAP = f"""\
CREATE ROLE {_OWNER} LOGIN CREATEROLE;
CREATE ROLE {_APP} LOGIN NOINHERIT;
ALTER SCHEMA public OWNER TO {_OWNER};
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
CREATE DATABASE {_DATABASE} OWNER {_OWNER};
"""
# The socket folder is closed to others, so the two logins need no password; the superuser is
# for the operating-system account that owns the cluster alone.
_ACCESS = f"""\
local all {_OWNER},{_APP} trust
local all {_SUPERUSER} peer map=cluster
"""


@dataclass(frozen=True)
class DatabaseUrls:
    """The two ways into one database: migrations and provisioning, and everything else."""

    owner_url: str
    app_url: str


class EmbeddedPostgres(EmbeddedServer):
    """A PostgreSQL cluster in ``folder``, reached through a unix socket alone."""

    def __init__(self, *, folder: Path) -> None:
        folder = folder.absolute()
        self._data = folder / "data"
        super().__init__(folder=folder, data=self._data)
        self.account = server_account(self._data)
        self._lock: IO[str] | None = None

    @property
    def owner_url(self) -> str:
        """The login for migrations and provisioning."""
        return self._url(login=_OWNER, database=_DATABASE)

    @property
    def app_url(self) -> str:
        """The login of every serving process."""
        return self._url(login=_APP, database=_DATABASE)

    @override
    def _release(self) -> None:
        # Without the lock the sockets are those of another process's server.
        if self._lock:
            self.remove_sockets()
            self._lock.close()
            self._lock = None

    @override
    def prepare(self) -> Service:
        """Make everything ready for the server's start and return its declaration.

        Takes the folder for this process until ``stop``, ends what a killed owner left running,
        and creates the cluster where there is none yet.
        """
        self._take_folder()
        binaries = postgres_bin(account=self.account)
        if self._data.exists():
            self._end_leftovers()
        else:
            self._create_cluster(binaries)
        self.remove_sockets()
        make_socket_folder(self._sockets, account=self.account)
        settings = {**_SETTINGS, "unix_socket_directories": str(self._sockets)}
        options = (f"--{name}={value}" for name, value in settings.items())
        return Service(
            name="postgres",
            command=(str(binaries / "postgres"), "-D", self._data_argument(self._data), *options),
            environment=_server_environment(),
            folder=self._data,
            is_ready=self._accepts_connections,
            stop_signal=signal.SIGINT,
            grace_seconds=20.0,
            account=self.account,
        )

    def create_database(self, *, name: str) -> DatabaseUrls:
        """Create one more database beside the main one, with the same two logins."""
        superuser_url = self._url(login=_SUPERUSER, database=_SUPERUSER)
        with psycopg.connect(superuser_url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(name), sql.Identifier(_OWNER)
                )
            )
        return DatabaseUrls(
            owner_url=self._url(login=_OWNER, database=name),
            app_url=self._url(login=_APP, database=name),
        )

    def _url(self, *, login: str, database: str) -> str:
        # The port is named, lest a PGPORT of the caller leads elsewhere.
        return f"postgresql://{login}@/{database}?host={self._sockets}&port={_PORT}"

    def _take_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = (self.folder / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise ServiceFailed(
                f"PostgreSQL in '{self.folder}' is in use by another process; run: make stop"
            ) from None
        self._lock = lock

    def _create_cluster(self, binaries: Path) -> None:
        """Create the cluster beside its place and move it there when it is complete."""
        building = self.folder / "data.new"
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(mode=0o700)
        if self.account:
            os.chown(building, self.account.uid, self.account.gid)
        where = ("-D", self._data_argument(building))
        locale = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        access = ("-U", _SUPERUSER, "--auth=trust")
        options = ("-E", "UTF8", *locale, "--data-checksums", "--no-instructions")
        self._run((str(binaries / "initdb"), *where, *access, *options), folder=building)
        self._run(
            (str(binaries / "postgres"), "--single", *where, "-c", "exit_on_error=on", "template1"),
            folder=building,
            script=_BOOTSTRAP,
        )
        (building / "pg_hba.conf").write_text(_ACCESS)
        (building / "pg_ident.conf").write_text(self._superuser_map())
        building.rename(self._data)

    def _run(self, command: tuple[str, ...], *, folder: Path, script: str = "") -> None:
        account = self.account
        ended = subprocess.run(
            command,
            input=script,
            cwd=folder,
            env=_server_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        if ended.returncode != 0:
            raise ServiceFailed(f"{Path(command[0]).name} failed:\n{ended.stdout}")

    def _data_argument(self, data: Path) -> str:
        """Name the cluster so that the server's account reaches it inside a closed home.

        The kernel follows /proc/self/cwd without asking the folders above; the working directory
        is entered while we are still root.
        """
        return "/proc/self/cwd" if self.account and sys.platform == "linux" else str(data)

    def _superuser_map(self) -> str:
        uids = {os.geteuid(), self.account.uid if self.account else os.geteuid()}
        return "".join(f'cluster "{_login_name(uid)}" {_SUPERUSER}\n' for uid in sorted(uids))

    def _accepts_connections(self, pid: int) -> bool:
        """Read the state that the server writes about itself, as pg_ctl does."""
        lines = self._pid_file_lines()
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _end_leftovers(self) -> None:
        """End what a killed owner left: holding the folder's lock proves that nobody needs it."""
        # The postmaster first and alone: a child that dies of a signal looks like a crash to it.
        for find in (self._left_postmaster, self._left_processes):
            end_processes(find, stop_signal=signal.SIGINT, grace_seconds=10.0)
        # PostgreSQL would refuse to start when another process has got the dead server's id.
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _left_processes(self) -> set[int]:
        return processes_in(self._data, program="postgres")

    def _left_postmaster(self) -> set[int]:
        try:
            pid = int((self._data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return set()
        return self._left_processes() & {pid}


def _server_environment() -> dict[str, str]:
    """Leave out the caller's PG* variables and locale, which would change the server."""
    return {"PATH": os.defpath, "LC_ALL": "C"}


def _login_name(uid: int) -> str:
    return pwd.getpwuid(uid).pw_name
