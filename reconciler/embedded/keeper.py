"""A small process between a command and its PostgreSQL server. It is run as a program of its own.

It gives up root, starts the server, reports when the server is ready, and stops it when the command ends (for
any reason: its pipe closes), when a shared server has been unused for a while, or when a signal requests it.
If this process is killed, Linux signals the server instead (prctl(2), PR_SET_PDEATHSIG). A thread of the
command cannot do this work, because that signal is tied to the thread, not to the process.

Only the standard library is used, so that `python -I -S` starts it in a few milliseconds.

    keeper.py exec WAY -- PROGRAM ARGUMENT…     replace this process by PROGRAM
    keeper.py keep ORDER                        start and keep a server; ORDER is the JSON of launch.Order

WAY is `plain` (stay the same user), `userns` (become user 1000 of a new user namespace, to which the current
user is mapped, because PostgreSQL refuses root) or `setuid:UID:GID`.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import select
import shutil
import signal
import sys
import time
from typing import Any, NoReturn

CLONE_NEWUSER = 0x10000000  # sched.h
PR_SET_PDEATHSIG = 1  # linux/prctl.h
PATIENCE_S = 15.0  # time for a shutdown, before a harder one follows
POLL_S = 0.01


def become(way: str) -> None:
    """Give up root. Raises OSError if the kernel does not allow it."""
    if way == "userns":
        uid, gid = os.geteuid(), os.getegid()
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWUSER) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        # setgroups must be given up before an unprivileged process may map its group: user_namespaces(7).
        for name, line in (("setgroups", "deny"), ("uid_map", f"1000 {uid} 1"), ("gid_map", f"1000 {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(line)
    elif way.startswith("setuid:"):
        _, uid_text, gid_text = way.split(":")
        os.setgroups([])
        os.setgid(int(gid_text))
        os.setuid(int(uid_text))


def give(path: str, way: str) -> None:
    """Make the server's user the owner of everything under `path`."""
    if way == "plain":
        return
    uid, gid = (0, 0) if way == "userns" else map(int, way.split(":")[1:])
    if os.stat(path).st_uid == uid:
        return
    os.chown(path, uid, gid)
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            os.chown(os.path.join(folder, name), uid, gid, follow_symlinks=False)


class Keeper:
    """One server, from its start to its end."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        self.data_dir: str = order["data_dir"]
        self.stop_signal: int = order["stop_signal"]
        self.idle_since = time.monotonic()
        self.wake, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.server = 0

    def run(self) -> None:
        """Start the server, report on standard output, keep the server running, then stop it and clean up."""
        for path in (self.data_dir, self.order["socket_dir"]):
            give(path, self.order["way"])
        self.server = self._started()
        failure = self._not_ready()
        with contextlib.suppress(BrokenPipeError):
            os.write(1, f"failed {failure}\n".encode() if failure else f"ready {self.server}\n".encode())
        if not failure:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            self._keep()
        self._stop()
        for path in self.order["remove"]:
            shutil.rmtree(path, ignore_errors=True)

    def _started(self) -> int:
        keeper = os.getpid()
        log = os.open(self.order["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        pid = os.fork()
        if pid:
            os.close(log)
            return pid
        try:
            os.setsid()  # so that the server does not receive signals to the keeper's process group
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(log, 1)
            os.dup2(log, 2)
            become(self.order["way"])
            if sys.platform == "linux":  # after become(): a change of credentials clears it
                ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, self.stop_signal)
            if os.getppid() == keeper:
                os.execv(self.order["argv"][0], self.order["argv"])
        except OSError as error:
            os.write(2, f"cannot start {self.order['argv'][0]}: {error}\n".encode())
        os._exit(1)

    def _not_ready(self) -> str | None:
        """Wait until the server accepts connections; return its output if it does not. The eighth line of
        postmaster.pid contains the state, which pg_ctl reads too (PostgreSQL's miscadmin.h,
        LOCK_FILE_LINE_PM_STATUS)."""
        deadline = time.monotonic() + self.order["ready_timeout_s"]
        while time.monotonic() < deadline:
            if not self._running():
                return self._log_tail() or "it ended without a message"
            with contextlib.suppress(OSError):
                with open(os.path.join(self.data_dir, "postmaster.pid"), encoding="utf-8") as file:
                    lines = file.read().splitlines()
                if len(lines) >= 8 and lines[0] == str(self.server) and lines[7].strip() == "ready":
                    return None
            time.sleep(POLL_S)
        return f"it was not ready within {self.order['ready_timeout_s']:g} s\n{self._log_tail()}"

    def _log_tail(self) -> str:
        with (
            contextlib.suppress(OSError),
            open(self.order["log"], encoding="utf-8", errors="replace") as file,
        ):
            return file.read()[-2000:].strip().replace("\n", "\x1f")
        return ""

    def _keep(self) -> None:
        waited_for = [self.wake, 0] if self.order["tied"] else [self.wake]
        idle_s = self.order["idle_s"]
        while True:
            timeout = None if idle_s is None else max(0.2, min(30.0, idle_s / 4))
            ready, _, _ = select.select(waited_for, [], [], timeout)
            if 0 in ready and not os.read(0, 1):
                return
            if self.wake in ready and {signal.SIGTERM, signal.SIGINT} & set(os.read(self.wake, 64)):
                return
            if not self._running() or (idle_s is not None and self._unused_for(idle_s)):
                return

    def _unused_for(self, idle_s: float) -> bool:
        """Return whether no process has held the use lock for that long.

        If so, the keeper holds the lock until it ends: a process that wants the server meanwhile waits, finds
        no server, and starts one.
        """
        lock = os.open(self.order["use_lock"], os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        now = time.monotonic()
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.idle_since = now
        else:
            age = time.time() - os.fstat(lock).st_mtime  # each use sets it, even a short one
            if now - self.idle_since >= idle_s and not 0 <= age < idle_s:
                return True
        os.close(lock)
        return False

    def _running(self) -> bool:
        if self.server and os.waitpid(self.server, os.WNOHANG) != (0, 0):
            self.server = 0
        return self.server != 0

    def _stop(self) -> None:
        for number in (self.stop_signal, signal.SIGQUIT, signal.SIGKILL):
            deadline = time.monotonic() + PATIENCE_S
            if self._running():
                os.kill(self.server, number)
            while self._running() and time.monotonic() < deadline:
                time.sleep(POLL_S)


def main(arguments: list[str]) -> NoReturn:
    """Run the command of the arguments. Raises OSError in `exec` if the kernel refuses."""
    if arguments[0] == "keep":
        order = json.loads(arguments[1])
        if not order["tied"]:  # detach, so that the command can end without waiting for the keeper
            if os.fork():
                os._exit(0)
            os.setsid()
        try:
            Keeper(order).run()
        except OSError as error:
            with contextlib.suppress(BrokenPipeError):
                os.write(1, f"failed {error}\n".encode())
            sys.exit(1)
        sys.exit(0)
    become(arguments[1])
    os.execv(arguments[3], arguments[3:])


if __name__ == "__main__":
    main(sys.argv[1:])
