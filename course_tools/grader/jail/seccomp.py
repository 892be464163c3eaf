"""System calls that a student's process has no use for, and that would reach around the limits.

A user namespace gives its creator capabilities inside it, and with them mounts without a size limit; memory in a
`memfd`, System V segment or io_uring belongs to no process that the watch could count. The filter is classic BPF, as
in the kernel's Documentation/userspace-api/seccomp_filter.rst.
"""

import ctypes
import errno
import platform
import struct

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
LOAD, JUMP_EQUAL, JUMP_GREATER_EQUAL, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, ERRNO, KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
THIRD_ARGUMENT = 32
X32_CALLS = 0x40000000
NEW_NAMESPACES = 0x7E020080  # CLONE_NEW* of <linux/sched.h>, time namespaces included

# AUDIT_ARCH, and the numbers of the calls in arch/x86/entry/syscalls/syscall_64.tbl and in asm-generic/unistd.h.
MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
CLONE = (56, 220)
CLONE3 = (435, 435)  # its flags are out of a filter's sight; the C library falls back to clone
REFUSED = {
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "mount_setattr": (442, 442),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "kexec_load": (246, 104),
    "msgget": (68, 186),
    "semget": (64, 190),
    "personality": (135, 92),
}
SOCKET, SOCKETPAIR = (41, 198), (53, 199)
# Families of <linux/socket.h>. All others are refused: AF_VSOCK, for one, is outside of every network namespace. Of
# netlink the C library asks for the names of network interfaces, by protocol 0.
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}
NETLINK, NETLINK_ROUTE = 16, 0


def install() -> None:
    """Filter the calls of this process and all that it starts; on a machine of another kind, do nothing.

    Needs no_new_privs. Raises `OSError` where the system refuses the filter.
    """
    if platform.machine() not in MACHINES:
        return
    program = filter_of(platform.machine())
    length = len(program) // 8
    buffer = ctypes.create_string_buffer(program, len(program))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    libc = ctypes.CDLL(None, use_errno=True)
    whole = Program(length, ctypes.cast(buffer, ctypes.c_void_p))
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(whole), 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")


def filter_of(machine: str) -> bytes:
    """The filter's instructions for "x86_64" or "aarch64"."""
    architecture, column = MACHINES[machine]
    body = [(JUMP_EQUAL, 0, 1, CLONE3[column]), (RETURN, 0, 0, ERRNO | errno.ENOSYS)]
    for numbers in REFUSED.values():
        body += [(JUMP_EQUAL, 0, 1, numbers[column]), (RETURN, 0, 0, ERRNO | errno.EPERM)]
    body += _only_families(column)
    body += [
        (JUMP_EQUAL, 0, 3, CLONE[column]),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (JUMP_ANY_BIT, 0, 1, NEW_NAMESPACES),
        (RETURN, 0, 0, ERRNO | errno.EPERM),
        (RETURN, 0, 0, ALLOW),
    ]
    head = [
        (LOAD, 0, 0, ARCHITECTURE),
        (JUMP_EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, KILL_PROCESS),
        (LOAD, 0, 0, NUMBER),
        (JUMP_GREATER_EQUAL, 0, 1, X32_CALLS),
        (RETURN, 0, 0, KILL_PROCESS),
    ]
    return b"".join(struct.pack("HBBI", *instruction) for instruction in head + body)


def _only_families(column: int) -> list[tuple[int, int, int, int]]:
    """Sockets of the families that are allowed, and no others."""
    refuse = (RETURN, 0, 0, ERRNO | errno.EAFNOSUPPORT)
    allow = (RETURN, 0, 0, ALLOW)
    known = [step for family in FAMILIES.values() for step in ((JUMP_EQUAL, 0, 1, family), allow)]
    netlink = [(JUMP_EQUAL, 0, 3, NETLINK), (LOAD, 0, 0, THIRD_ARGUMENT), (JUMP_EQUAL, 0, 1, NETLINK_ROUTE), allow]
    one = [(LOAD, 0, 0, FIRST_ARGUMENT), *known, *netlink, refuse]
    pair = [(LOAD, 0, 0, FIRST_ARGUMENT), (JUMP_EQUAL, 0, 1, FAMILIES["AF_UNIX"]), allow, refuse]
    return [
        (JUMP_EQUAL, 0, len(one), SOCKET[column]),
        *one,
        (JUMP_EQUAL, 0, len(pair), SOCKETPAIR[column]),
        *pair,
    ]
