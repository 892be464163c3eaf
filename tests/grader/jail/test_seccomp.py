"""course_tools.grader.jail.seccomp: which system calls a student's process may make."""

import errno
import platform
import struct
import subprocess
import sys

import pytest

from course_tools.grader.jail import seccomp

FORK_FLAGS, USER_NAMESPACE = 0x01200011, 0x10000000  # what the C library's fork asks clone for, and CLONE_NEWUSER
READ = (0, 63)
INSTALLED = """
import ctypes, errno, os, socket, subprocess, sys
from course_tools.grader.jail import seccomp
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0  # no_new_privs
seccomp.install()
assert libc.unshare(0x10000000) == -1 and ctypes.get_errno() == errno.EPERM
assert libc.mount(None, b"/", None, 16384, None) == -1 and ctypes.get_errno() == errno.EPERM
try:
    socket.socket(getattr(socket, "AF_VSOCK", 40), socket.SOCK_STREAM)
    raise AssertionError("a family that is not allowed")
except OSError as error:
    assert error.errno == errno.EAFNOSUPPORT
socket.socketpair()
socket.if_nameindex()
assert not hasattr(os, "memfd_create") or libc.memfd_create(b"m", 0) == -1
assert subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True, text=True).stdout == "42\\n"
assert open("/proc/self/status").read().split("Seccomp:")[1].split()[0] == "2"
"""


def answer(program: bytes, *, call: int, architecture: int, argument: int = 0, third: int = 0) -> int:
    """What the kernel's filter machine answers: it reads classic BPF over `struct seccomp_data`."""
    data = struct.pack("<IIQQQQ", call, architecture, 0, argument, 0, third)
    instructions = list(struct.iter_unpack("HBBI", program))
    place = value = 0
    while True:
        code, if_true, if_false, operand = instructions[place]
        place += 1
        if code == seccomp.LOAD:
            (value,) = struct.unpack_from("<I", data, operand)
        elif code == seccomp.RETURN:
            return operand
        else:
            holds = {
                seccomp.JUMP_EQUAL: value == operand,
                seccomp.JUMP_GREATER_EQUAL: value >= operand,
                seccomp.JUMP_ANY_BIT: bool(value & operand),
            }[code]
            place += if_true if holds else if_false


@pytest.fixture(params=seccomp.MACHINES)
def machine(request):
    """The filter of one kind of machine: a function that answers a call, and the column of its numbers."""
    program = seccomp.filter_of(request.param)
    architecture, column = seccomp.MACHINES[request.param]
    assert len(program) % 8 == 0 and len(program) // 8 < 4096

    def answers(call, argument=0, architecture=architecture, third=0):
        return answer(program, call=call, architecture=architecture, argument=argument, third=third)

    return answers, column


def test_every_refused_call_gets_no_permission(machine):
    answers, column = machine
    for name, numbers in seccomp.REFUSED.items():
        assert answers(numbers[column]) == seccomp.ERRNO | errno.EPERM, name


def test_a_usual_call_is_allowed(machine):
    answers, column = machine
    assert answers(READ[column]) == seccomp.ALLOW


def test_a_socket_is_of_a_family_that_is_allowed(machine):
    answers, column = machine
    unsupported = seccomp.ERRNO | errno.EAFNOSUPPORT
    for family in range(64):
        expected = seccomp.ALLOW if family in (1, 2, 10, 16) else unsupported  # AF_UNIX, AF_INET, AF_INET6, netlink
        assert answers(seccomp.SOCKET[column], family) == expected
        assert answers(seccomp.SOCKETPAIR[column], family) == (seccomp.ALLOW if family == 1 else unsupported)
    assert answers(seccomp.SOCKET[column], seccomp.NETLINK, third=12) == unsupported  # nf_tables


def test_a_process_may_be_forked_but_not_into_namespaces_of_its_own(machine):
    answers, column = machine
    assert answers(seccomp.CLONE[column], FORK_FLAGS) == seccomp.ALLOW
    assert answers(seccomp.CLONE[column], FORK_FLAGS | USER_NAMESPACE) == seccomp.ERRNO | errno.EPERM
    assert answers(seccomp.CLONE3[column]) == seccomp.ERRNO | errno.ENOSYS  # then the C library takes clone


def test_calls_of_another_architecture_and_of_the_x32_kind_kill(machine):
    answers, column = machine
    assert answers(READ[column], architecture=0x40000003) == seccomp.KILL_PROCESS  # 32-bit x86
    assert answers(READ[column] | seccomp.X32_CALLS) == seccomp.KILL_PROCESS


@pytest.mark.skipif(platform.machine() not in seccomp.MACHINES or sys.platform != "linux", reason="no filter here")
def test_an_installed_filter_holds_for_the_process_and_leaves_it_usable():
    done = subprocess.run([sys.executable, "-c", INSTALLED], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_on_a_machine_of_another_kind_nothing_is_installed(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    monkeypatch.setattr(seccomp, "filter_of", lambda machine: pytest.fail("it has no filter for it"))
    seccomp.install()


def test_a_filter_that_the_system_refuses_is_an_error():
    """Without no_new_privs, and without rights, as any user's process."""
    code = "import os\nfrom course_tools.grader.jail import seccomp\n"
    code += "os.geteuid() or os.setresuid(60706, 60706, 60706)\nseccomp.install()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "OSError" in done.stderr and "seccomp" in done.stderr
