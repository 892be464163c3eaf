"""The program inside the jail: it imports what a lab needs once, then forks one kernel per submission.

The judge's process sends JSON lines over the socket that is this program's standard input, and gets a line for each:

| request                           | answer                                                                      |
| --------------------------------- | --------------------------------------------------------------------------- |
| {"preload": [modules], "mode": m} | {"mode": m}, after the imports; "flat" where nested namespaces are refused  |
| {"start": {…}}, four sockets      | {"pid": n}: the kernel listens on these sockets; or {"error": "…"}          |
| {"poll": true}                    | {"exited": null or the exit code}                                           |
| {"stop": true}                    | {"exited": code}: the kernel and all that it started are dead               |

Modes: "nested", each kernel in namespaces of its own; "flat", one kernel in the jail's own namespaces; "bare", no jail
at all (`--unsafe`). No secret ever enters this process: no test, no path outside the jail, no other submission.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import resource
import shutil
import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from course_tools.grader.jail import seccomp

LAB_FILES = "/run/labs"  # the released labs, read-only: a notebook may come with pictures
CHANNELS = ("shell", "iopub", "stdin", "control")

# <linux/sched.h>, <sys/mount.h>, <linux/prctl.h>
NEW_MOUNT, NEW_UTS, NEW_IPC, NEW_PID, NEW_NET = 0x00020000, 0x04000000, 0x08000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 4096, 16384, 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38
LAST_CAPABILITY = 63
CAPABILITY_VERSION_3 = 0x20080522
CONFINED = b"+"
NICENESS = 5  # the judge and the watch come first

libc = ctypes.CDLL(None, use_errno=True)


def writable(environment: Mapping[str, str]) -> dict[str, str]:
    """The folders in which a kernel in a jail may write, by what they are for."""
    return {"home": environment["HOME"], "tmp": environment["TMPDIR"], "shm": "/dev/shm"}


def main() -> NoReturn:
    """Serve requests until the judge's end of the socket closes, and with it this process."""
    channel = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    kernel: tuple[int, int] | None = None  # the process that we wait for, and the one to kill
    mode = "bare"
    while True:
        request, sockets = receive(channel)
        if "preload" in request:
            mode = request["mode"]
            for name in request["preload"]:
                with contextlib.suppress(Exception):  # the student's cell will say what is missing
                    importlib.import_module(name)
            if mode == "nested" and not _nested_namespaces_work():
                mode = "flat"
            gc.collect()
            gc.freeze()  # a collection in a child would copy the pages that all children share
            answer: dict[str, Any] = {"mode": mode}
        elif "start" in request:
            try:
                kernel = _start(request["start"], sockets, mode, channel)
                answer = {"pid": kernel[1]}
            except OSError as error:
                answer = {"error": str(error)}
        elif "poll" in request:
            answer = {"exited": _exit_code(kernel, os.WNOHANG)}
        else:
            if kernel is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(kernel[1], signal.SIGKILL) if mode == "bare" else os.kill(kernel[1], signal.SIGKILL)
            answer = {"exited": _exit_code(kernel, 0)}
            kernel = None
        channel.sendall(json.dumps(answer).encode() + b"\n")


def receive(channel: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """One line from the judge and the sockets that came with it; ends this process where the judge is gone."""
    line, sockets = b"", list[int]()
    while not line.endswith(b"\n"):
        part, received, _, _ = socket.recv_fds(channel, 65536, len(CHANNELS))
        sockets += received
        if not part:
            os._exit(0)
        line += part
    request: dict[str, Any] = json.loads(line)
    return request, sockets


def _exit_code(kernel: tuple[int, int] | None, options: int) -> int | None:
    if kernel is None:
        return -1
    try:
        pid, status = os.waitpid(kernel[0], options)
    except ChildProcessError:
        return -1
    return os.waitstatus_to_exitcode(status) if pid else None


def _start(order: dict[str, Any], sockets: list[int], mode: str, channel: socket.socket) -> tuple[int, int]:
    """Fork a kernel; the process to wait for and the one to kill. Raises `OSError` where it could not be confined."""
    listen, tell = os.pipe()
    child = os.fork()
    if child == 0:
        confined = False
        try:
            os.close(listen)
            channel.close()
            os.setsid()
            for number in (1, 2):
                os.dup2(0, number)
            if mode == "nested":
                _become_a_namespace_and_wait(tell)  # returns in its grandchild only
            _confine(order, mode)
            os.write(tell, CONFINED)
            confined = True
            _close_all_but([0, 1, 2, *sockets])
            if mode == "nested":
                _reap_and_die_with_the_kernel()  # returns in the kernel's process only
            _run_kernel(order, dict(zip(CHANNELS, sockets, strict=True)))
        except BaseException as error:
            if not confined:
                os.write(tell, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(70)
    os.close(tell)
    for number in sockets:
        os.close(number)
    with os.fdopen(listen, "rb") as confinement:
        said = confinement.read()
    if CONFINED not in said:
        raise OSError(said.decode(errors="replace"))
    return child, int(said.replace(CONFINED, b"") or child)


def _nested_namespaces_work() -> bool:
    """Whether a child of ours can have namespaces, and mounts in them."""
    child = os.fork()
    if child == 0:
        try:
            _unshare()
            _mount("tmpfs", os.environ["HOME"], "tmpfs")
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def _unshare() -> None:
    _checked(libc.unshare(NEW_MOUNT | NEW_UTS | NEW_IPC | NEW_PID | NEW_NET), "unshare")
    _mount(None, "/", None, MS_REC | MS_PRIVATE)


def _become_a_namespace_and_wait(tell: int) -> None:
    _unshare()
    init = os.fork()
    if init:
        os.write(tell, str(init).encode())
        os.close(tell)
        os._exit(os.waitstatus_to_exitcode(os.waitpid(init, 0)[1]) & 0xFF)


def _confine(order: dict[str, Any], mode: str) -> None:
    """Mounts, limits, user, capabilities and system calls: after this, what runs here is the student's."""
    user, disk = order["user"], order["disk_mib"] << 20
    if mode == "nested":
        # One small file system for all that is writable, so that its size is one limit.
        _mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, f"size={disk},nr_inodes=20000,mode=755")
        for name, place in writable(os.environ).items():
            Path("/run", name).mkdir(mode=0o700)
            if user is not None:
                os.chown(f"/run/{name}", user, user)
            _mount(f"/run/{name}", place, None, MS_BIND)
        _checked(libc.umount2(b"/run", MNT_DETACH), "umount2")
        _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
        socket.sethostname("student")
    home = os.environ["HOME"] if mode != "bare" else order["home"]
    if mode != "bare":
        _limit(resource.RLIMIT_NPROC, order["tasks"])
    _limit(resource.RLIMIT_DATA, order["data_mib"] << 20)
    _limit(resource.RLIMIT_FSIZE, disk)
    _limit(resource.RLIMIT_CPU, int(order["cpu_seconds"]) + 1)
    _limit(resource.RLIMIT_NOFILE, 512)
    _limit(resource.RLIMIT_CORE, 0)
    if mode != "bare":
        _checked(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
        for number in range(LAST_CAPABILITY + 1):
            libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)  # those that this kernel does not know are refused
        if user is not None:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
        _drop_capabilities()
        seccomp.install()
        _checked(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")  # a new user id clears it
    os.nice(NICENESS)
    os.chdir(home)
    released = Path(LAB_FILES, order["lab"])
    if released.is_dir():
        # One by one: `copytree` would set the mode of the home too, which is not ours in a jail for one kernel.
        for path in released.iterdir():
            if path.is_dir():
                shutil.copytree(path, Path(home, path.name), ignore=shutil.ignore_patterns("*.ipynb"))
            elif path.suffix != ".ipynb":
                shutil.copy2(path, home)


def _limit(which: int, most: int) -> None:
    _, hard = resource.getrlimit(which)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (most, most))


def _drop_capabilities() -> None:
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    _checked(libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


def _reap_and_die_with_the_kernel() -> None:
    """Be the first process of the namespace: when this one ends, the system kills all others in it."""
    kernel = os.fork()
    while kernel:
        pid, status = os.wait()
        if pid == kernel:
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _run_kernel(order: dict[str, Any], sockets: dict[str, int]) -> None:
    from course_tools.grader.jail import kernel

    kernel.run(order["connection"], sockets, seed=order["seed"])


def _close_all_but(kept: list[int]) -> None:
    kept = sorted(kept)
    for low, high in zip(kept, [*kept[1:], 4096], strict=True):
        os.closerange(low + 1, high)


def _mount(source: str | None, place: str, kind: str | None, flags: int = 0, options: str = "") -> None:
    texts = [text.encode() if text is not None else None for text in (source, place, kind)]
    _checked(libc.mount(*texts, ctypes.c_ulong(flags), options.encode()), f"mount {place}")


def _checked(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


if __name__ == "__main__":
    main()
