"""The jail: bubblewrap around a warden that forks a kernel per submission, and a watch over all that runs in it.

What a submission can see: /usr and the Python environment, read-only; the packages `course_utils` and `course_tools`;
the released labs; an empty home. What it cannot: the course's solutions, tests and gradebook, any home, other
submissions, other processes, the network, and the environment of the judge. Its limits:

| limit      | held by                                                                                           |
| ---------- | ------------------------------------------------------------------------------------------------- |
| memory     | RLIMIT_DATA for a process; a watch from outside for the whole tree                                |
| processes  | RLIMIT_NPROC, for a user of its own (it does nothing for root); the watch                         |
| disk       | one tmpfs of a fixed size for all that is writable; RLIMIT_FSIZE                                  |
| time       | the judge's clock; RLIMIT_CPU                                                                     |
| calls      | no capability, no_new_privs, a seccomp filter                                                     |

A container is not offered in place of bubblewrap. Without bubblewrap grading is refused, unless `--unsafe` is said.
"""

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

import course_tools
import course_utils
from course_tools.grader.jail import warden
from course_tools.grader.jail.limits import Limits
from course_utils.errors import CourseError

WATCH_SECONDS = 0.1
START_SECONDS = 120  # for the imports, on a busy machine
ANSWER_SECONDS = 20
# Of what RLIMIT_DATA counts, a fresh kernel has reserved half this for stacks and heaps, and not used. The other half
# lets a kernel go so far over its limit that its peak shows it, before an allocation fails.
RESERVED_MIB = 1536
THREADS = 64  # RLIMIT_NPROC counts threads; a kernel has a dozen
PAGE = os.sysconf("SC_PAGE_SIZE")
# Users of nobody, for kernels that a judge with root's rights starts: below 2^16, as a container may have no more, and
# in the gap that systemd leaves between home directories (to 60577), its newer versions' login screens (to 60705) and
# services with dynamic users (from 61184): https://systemd.io/UIDS-GIDS/.
FREE_USERS = range(60706, 61184)
MISSING = (
    "no sandbox here: install bubblewrap (`apt-get install bubblewrap`), or say --unsafe to run "
    "students' code with your own rights"
)
PACKAGES = tuple(Path(package.__path__[0]).resolve() for package in (course_utils, course_tools))
READABLE = tuple(dict.fromkeys((Path(sys.base_prefix), Path(sys.prefix), *PACKAGES)))  # Python and the course


def _writable(*places: str) -> str:
    """The first of the places with nothing beneath it that a kernel reads: what is mounted there would hide it."""
    return next(place for place in places if not any(folder.is_relative_to(place) for folder in READABLE))


TEMPORARY = _writable("/tmp", "/var/tmp")
ENVIRONMENT = {
    "HOME": _writable("/home/student", "/home/kernel"),
    "USER": "student",
    "LANG": "C.UTF-8",
    "PATH": "/usr/bin:/bin",
    "TMPDIR": TEMPORARY,
    "XDG_CACHE_HOME": f"{TEMPORARY}/.cache",
    "MPLCONFIGDIR": f"{TEMPORARY}/.cache",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "COURSE_DEVICE": "cpu",
    "COURSE_PROGRESS": "off",
    # The same numbers whatever else runs: one thread, and one order of sets.
    "OMP_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else the debugger, which nobody uses, warns
}


class SandboxError(CourseError):
    """The jail itself failed; no submission is to blame."""


def trouble() -> str:
    """Why no jail can be had here; empty where one can."""
    bwrap = shutil.which("bwrap")
    if bwrap is None or sys.platform != "linux":
        return MISSING
    line = [*_command(labs=None), "true"]
    try:
        done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=ANSWER_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap does not start ({error}); say --unsafe to run students' code with your own rights"
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        return f"bubblewrap does not work here ({reason}); allow user namespaces, or grade as root"
    return ""


def version() -> str:
    """What `bwrap --version` says."""
    return subprocess.run(["bwrap", "--version"], capture_output=True, text=True, timeout=ANSWER_SECONDS).stdout.strip()


def _command(*, labs: Path | None, concealed: Sequence[Path] = ()) -> list[str]:
    """The bubblewrap command line, without the program to run. concealed: see `Jail`."""
    line = ["bwrap", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"]
    line += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    if os.geteuid() == 0:
        # A user namespace of root's would keep root's files readable: each kernel becomes another user instead.
        for name in ("CAP_SYS_ADMIN", "CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_KILL", "CAP_CHOWN"):
            line += ["--cap-add", name]
    else:
        line += ["--unshare-user", "--uid", "1000", "--gid", "1000"]
        for name in ("CAP_SYS_ADMIN", "CAP_SETPCAP"):
            line += ["--cap-add", name]
    for name, value in ENVIRONMENT.items():
        line += ["--setenv", name, value]
    line += ["--ro-bind", "/usr", "/usr", "--perms", "0755", "--dir", "/etc", "--perms", "0755", "--dir", "/run"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        place = Path("/", name)
        if place.is_symlink():
            line += ["--symlink", str(place.readlink()), str(place)]
        elif place.is_dir():
            line += ["--ro-bind", str(place), str(place)]
    for name in ("ld.so.cache", "localtime", "fonts", "alternatives"):
        line += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for folder in READABLE:
        if not folder.is_relative_to("/usr"):
            for parent in reversed(folder.parents[:-1]):  # else a folder of root's keeps others out
                line += ["--perms", "0755", "--dir", str(parent)]
            line += ["--ro-bind", str(folder), str(folder)]
    line += _covers(concealed)
    if labs is not None and labs.is_dir():
        line += ["--ro-bind", str(labs), warden.LAB_FILES]
    line += ["--proc", "/proc", "--dev", "/dev"]
    return line


def _covers(concealed: Sequence[Path]) -> list[str]:
    """The part of the command line that puts something empty over what lies under a folder that the jail mounts.

    Python and the course's packages stay readable where they lie in such a place.
    """
    mounted = [
        Path("/usr"),
        *(Path("/", name).resolve() for name in ("bin", "sbin", "lib", "lib32", "lib64")),
        *READABLE,
    ]
    line: list[str] = []
    for place in sorted({place.resolve() for place in concealed}):
        if not place.exists() or not any(place.is_relative_to(folder) for folder in mounted):
            continue
        if place.is_file():
            line += ["--ro-bind", os.devnull, str(place)]
            continue
        line += ["--perms", "0755", "--tmpfs", str(place)]
        for folder in READABLE:
            if folder.is_relative_to(place):
                line += ["--ro-bind", str(folder), str(folder)]
        line += ["--remount-ro", str(place)]
    return line


class Jail:
    """A warden under bubblewrap. One kernel at a time: `start`, `exited`, `stop`; `close` ends everything.

    labs: the folder of released labs, or None
    preload: modules to import before any kernel starts
    concealed: folders and files that are not to be seen, also where they lie under /usr or Python's own folder
    unsafe: no bubblewrap; the kernel runs with the rights of this process
    cold: a jail for one kernel, without namespaces inside namespaces

    Raises `SandboxError` where it cannot be had.
    """

    def __init__(
        self,
        *,
        labs: Path | None,
        preload: tuple[str, ...],
        concealed: tuple[Path, ...] = (),
        unsafe: bool = False,
        cold: bool = False,
    ) -> None:
        self.overrun = ""  # the limit that the running kernel broke
        self._limits = Limits()  # of the running kernel
        self._ended = threading.Event()  # set where no kernel runs that the watch could end
        self._ended.set()
        self._lock = threading.Lock()
        self._channel, wardens_end = socket.socketpair()
        self._home = tempfile.TemporaryDirectory(prefix="course-") if unsafe else None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        program = [sys.executable, "-m", "course_tools.grader.jail.warden"]
        line, environment, folder = program, None, "/"
        if self._home is not None:
            folder = self._home.name
            environment = {**os.environ, **ENVIRONMENT, "HOME": folder}
            environment.pop("TMPDIR")
        else:
            places = ["--dir", ENVIRONMENT["HOME"], "--size", str(64 << 20), "--tmpfs", TEMPORARY]
            if cold:
                size = ["--perms", "1777", "--size", str(Limits().disk_mib << 20)]
                places = [part for place in warden.writable(ENVIRONMENT).values() for part in (*size, "--tmpfs", place)]
            places += ["--remount-ro", "/dev", "--remount-ro", "/"]
            line = [*_command(labs=labs, concealed=concealed), *places, *program]
        self._process = subprocess.Popen(
            line,
            stdin=wardens_end.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
        wardens_end.close()
        mode = "bare" if unsafe else "flat" if cold else "nested"
        try:
            self.mode = self._ask({"preload": preload, "mode": mode}, seconds=START_SECONDS)["mode"]
        except BaseException:
            self.close()
            raise
        self.single_use = self.mode == "flat"
        self._own_memory = _memory(self._process.pid, exactly=True)
        self._own_peak = max(map(_peak, _descendants(self._process.pid)), default=0)
        self._own_processes = len(_descendants(self._process.pid))

    def start(self, connection: dict[str, Any], sockets: list[int], *, lab: str, limits: Limits, seed: int) -> None:
        """Start a kernel on these listening sockets (in the order of `warden.CHANNELS`), and the watch over it."""
        order = {
            "connection": connection,
            "lab": lab,
            "seed": seed,
            "user": free_user(self._process.pid) if os.geteuid() == 0 else None,
            "tasks": _tasks(limits),
            "home": self._home.name if self._home else "",
            "data_mib": limits.memory_mib + RESERVED_MIB,
            "disk_mib": limits.disk_mib,
            "cpu_seconds": limits.submission_seconds * 2,
        }
        self.overrun = ""
        self._limits = limits
        answer = self._ask({"start": order}, sockets)
        if "error" in answer:
            raise SandboxError(f"a kernel could not be confined: {answer['error']}")
        self._ended = threading.Event()
        for watch in (self._watch_processes, self._watch_memory):
            threading.Thread(target=watch, args=(self._ended,), daemon=True).start()

    def check_peak(self) -> None:
        """Kill a kernel that went over its memory and gave it back before the watch looked.

        A bomb of one process meets RLIMIT_DATA within a second. Without this, whether it is seen is a matter of luck.
        """
        # A kernel's peak counts what it shares with the process that it was forked from, so that one's peak is allowed.
        most = (self._limits.memory_mib << 20) + self._own_peak
        if max(map(_peak, _descendants(self._process.pid)), default=0) > most:
            self._overrun(self._too_much_memory(), self._ended)

    def exited(self) -> int | None:
        """The running kernel's exit code, or None while it runs."""
        return self._ask({"poll": True})["exited"]

    def stop(self) -> None:
        """Kill the kernel and all that it started. Where the warden does not answer, the whole jail is killed."""
        self._ended.set()
        try:
            self._ask({"stop": True})
        except SandboxError:
            self.close()
        if self.single_use:
            self.close()

    @property
    def alive(self) -> bool:
        """Whether the warden runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """Kill everything in the jail, and wait until it is gone."""
        self._ended.set()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=ANSWER_SECONDS)
        self._channel.close()
        self._errors.close()
        if self._home is not None:
            self._home.cleanup()
            self._home = None

    def _ask(
        self, request: dict[str, Any], sockets: Sequence[int] = (), *, seconds: float = ANSWER_SECONDS
    ) -> dict[str, Any]:
        with self._lock:
            try:
                self._channel.settimeout(seconds)
                socket.send_fds(self._channel, [json.dumps(request).encode() + b"\n"], sockets)
                line = b""
                while not line.endswith(b"\n"):
                    part = self._channel.recv(65536)
                    if not part:
                        raise OSError("it ended")
                    line += part
                answer: dict[str, Any] = json.loads(line)
                return answer
            except OSError as error:
                said = ""
                with suppress(OSError, ValueError):
                    self._errors.seek(0)
                    said = self._errors.read(2000).decode(errors="replace").strip()
                raise SandboxError(f"the sandbox failed ({error}) {said}".strip()) from None

    def _watch_processes(self, ended: threading.Event) -> None:
        while not ended.wait(WATCH_SECONDS / 2):  # a fork bomb doubles every few moments
            if len(_descendants(self._process.pid)) - self._own_processes > self._limits.processes:
                self._overrun(f"started more than {self._limits.processes} processes", ended)

    def _watch_memory(self, ended: threading.Event) -> None:
        most = (self._limits.memory_mib << 20) + self._own_memory
        while not ended.wait(WATCH_SECONDS):
            # Pages that processes share were counted once for each: count again, exactly, which takes longer.
            if _memory(self._process.pid) > most and _memory(self._process.pid, exactly=True) > most:
                self._overrun(self._too_much_memory(), ended)

    def _too_much_memory(self) -> str:
        return f"used more than {self._limits.memory_mib} MiB of memory"

    def _overrun(self, reason: str, ended: threading.Event) -> None:
        if not ended.is_set():
            ended.set()
            self.overrun = reason
            with suppress(SandboxError):
                self._ask({"stop": True})


def _tasks(limits: Limits) -> int:
    """RLIMIT_NPROC counts the user's tasks; an ordinary user's own programs come on top."""
    room = limits.processes + THREADS
    if os.geteuid() == 0:
        return room
    own = 0
    for process in psutil.process_iter(["uids", "num_threads"]):
        if process.info["uids"] and process.info["uids"].real == os.getuid():
            own += process.info["num_threads"] or 0
    return own + room


def free_user(number: int) -> int:
    """One of `FREE_USERS` that has no name here and runs nothing; `number` says where the search begins.

    Raises `SandboxError` where there is none.
    """
    busy = {process.info["uids"].real for process in psutil.process_iter(["uids"]) if process.info["uids"]}
    start = number % len(FREE_USERS)
    for user in (*FREE_USERS[start:], *FREE_USERS[:start]):
        try:
            pwd.getpwuid(user)
        except KeyError:
            if user not in busy:
                return user
    raise SandboxError(f"no user id from {FREE_USERS[0]} to {FREE_USERS[-1]} is free to run a submission")


def _memory(root: int, *, exactly: bool = False) -> int:
    """Bytes of all processes below `root`. exactly: shared pages are counted once."""
    total = 0
    for pid in _descendants(root):
        try:
            if exactly:
                text = Path(f"/proc/{pid}/smaps_rollup").read_text()
                total += next(int(line.split()[1]) << 10 for line in text.splitlines() if line.startswith("Pss:"))
            else:
                total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
        except (OSError, StopIteration, IndexError):
            with suppress(psutil.Error):
                total += psutil.Process(pid).memory_info().rss
    return total


def _peak(pid: int) -> int:
    """The most bytes that a process has had in memory; 0 where the system does not say."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return 0


def _descendants(root: int) -> list[int]:
    pids, parents = [], [root]
    while parents:
        pid = parents.pop()
        try:
            tasks = Path(f"/proc/{pid}/task").iterdir()
            children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
        except FileNotFoundError:
            children = []
            if not Path("/proc/self/task").is_dir():  # another system than Linux
                with suppress(psutil.Error):
                    children = [child.pid for child in psutil.Process(pid).children()]
        except OSError:
            children = []
        pids += children
        parents += children
    return pids
