"""course_tools.grader.jail.warden: its conversation with the judge, and the kernel it forks. Here without a jail.

"bare" is the mode of `--unsafe`: the warden is an ordinary child, and its kernels have our rights. What a kernel may do
in a jail stands in `test_sandbox.py` and `test_attacks.py`.
"""

import contextlib
import json
import os
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jupyter_client import BlockingKernelClient

from course_tools.grader.jail import warden

SECONDS = 120
PORTS = {"shell_port": 1, "iopub_port": 2, "stdin_port": 3, "control_port": 5, "hb_port": 4}
KEY = "a-key-of-the-judge"


class Warden:
    """A warden and the judge's end of its socket."""

    def __init__(self) -> None:
        self.channel, its_end = socket.socketpair()
        self.channel.settimeout(SECONDS)
        command = [sys.executable, "-m", "course_tools.grader.jail.warden"]
        self.process = subprocess.Popen(command, stdin=its_end.fileno())
        its_end.close()

    def ask(self, request, sockets=()):
        socket.send_fds(self.channel, [json.dumps(request).encode() + b"\n"], sockets)
        line = b""
        while not line.endswith(b"\n"):
            line += self.channel.recv(65536)
        return json.loads(line)

    def start(self, folder: Path, **changes):
        """Start a kernel that listens in `folder`; the warden's answer, and what a client needs to connect."""
        connection = {
            "transport": "ipc",
            "ip": str(folder / "k"),
            "key": KEY,
            "signature_scheme": "hmac-sha256",
            **PORTS,
        }
        order = {"connection": connection, "lab": "", "seed": 7, "user": None, "tasks": 0, "home": str(folder)}
        order |= {"data_mib": 8192, "disk_mib": 64, "cpu_seconds": 100, **changes}
        with contextlib.ExitStack() as stack:
            listening = []
            for name in warden.CHANNELS:
                listening.append(stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)))
                listening[-1].bind(f"{folder / 'k'}-{PORTS[f'{name}_port']}")
                listening[-1].listen(4)
            return self.ask({"start": order}, [channel.fileno() for channel in listening]), connection

    def wait_for_the_kernel(self) -> int:
        """The exit code of a kernel that ends by itself."""
        deadline = time.monotonic() + SECONDS
        while (code := self.ask({"poll": True})["exited"]) is None:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return code


@pytest.fixture
def warden_process():
    process = Warden()
    assert process.ask({"preload": ["json", "no_such_module"], "mode": "bare"}) == {"mode": "bare"}
    yield process
    process.channel.close()
    process.process.wait(timeout=SECONDS)


@contextlib.contextmanager
def client_of(connection):
    client = BlockingKernelClient()
    client.load_connection_info({**connection, "key": KEY.encode()})
    client.start_channels(hb=False)
    try:
        yield client
    finally:
        client.stop_channels()


def run(client, code: str) -> str:
    """What a cell prints."""
    said = []
    client.execute_interactive(code, timeout=SECONDS, output_hook=lambda message: said.append(message["content"]))
    return "".join(content.get("text", "") for content in said)


def ask_the_agent(client, request):
    """What the kernel's agent answers to the judge."""
    message = client.session.msg("judge_request", content=request)
    client.session.send(client.shell_channel.socket, message)
    while True:
        reply = client.get_shell_msg(timeout=SECONDS)
        if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
            return reply["content"]


def test_a_kernel_runs_cells_and_answers_the_judge_until_it_shuts_down(warden_process, tmp_path):
    answer, connection = warden_process.start(tmp_path)
    assert answer["pid"] > 0 and warden_process.ask({"poll": True}) == {"exited": None}
    with client_of(connection) as client:
        assert run(client, "import os, random\nx = 6\nprint(x * 7, os.getcwd(), random.random())").split() == [
            "42",
            str(tmp_path),
            "0.32383276483316237",  # the first that seed 7 gives
        ]
        assert ask_the_agent(client, {"do": "get", "of": None, "path": "x"}) == {"value": 6}
        assert "NameError" in ask_the_agent(client, {"do": "get", "of": None, "path": "y"})["error"]
        client.execute("import sys\ndef leaves(): sys.exit(3)")
        request = {"do": "call", "of": None, "path": "leaves", "args": {"list": []}, "kwargs": {"dict": []}}
        assert "SystemExit: 3" in ask_the_agent(client, request)["error"]
        client.shutdown()
    assert warden_process.wait_for_the_kernel() == 70
    assert warden_process.ask({"stop": True}) == {"exited": -1}


def test_a_kernel_has_limits_in_every_mode(warden_process, tmp_path):
    _, connection = warden_process.start(tmp_path, disk_mib=8)
    with client_of(connection) as client:
        code = "import resource as r\nkinds = r.RLIMIT_FSIZE, r.RLIMIT_CORE, r.RLIMIT_CPU\n"
        code += "print([r.getrlimit(kind)[1] for kind in kinds])"
        assert run(client, code).strip() == f"[{8 << 20}, 0, 101]"
        client.shutdown()
    warden_process.wait_for_the_kernel()


def test_stop_kills_a_kernel_and_another_one_can_start(warden_process, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        answer, _ = warden_process.start(tmp_path / name)
        assert "pid" in answer and warden_process.ask({"stop": True}) == {"exited": -9}


def test_a_kernel_that_cannot_be_confined_is_an_error_with_its_reason(warden_process, tmp_path):
    answer, _ = warden_process.start(tmp_path, home=str(tmp_path / "nowhere"))
    assert "FileNotFoundError" in answer["error"] and "nowhere" in answer["error"]


def test_before_any_kernel_there_is_none(warden_process):
    assert warden_process.ask({"poll": True}) == {"exited": -1} and warden_process.ask({"stop": True}) == {"exited": -1}


def test_a_warden_without_a_judge_ends():
    process = Warden()
    process.channel.close()
    assert process.process.wait(timeout=SECONDS) == 0


def test_a_request_may_come_in_pieces_and_brings_its_sockets():
    judge, its_end = socket.socketpair()
    with judge, its_end, (Path(__file__)).open("rb") as file:
        socket.send_fds(judge, [b'{"po'], [file.fileno()])
        judge.sendall(b'll": true}\n')
        request, sockets = warden.receive(its_end)
    assert request == {"poll": True}
    (copy,) = sockets
    with os.fdopen(copy, "rb") as received:
        assert received.read(3) == b'"""'


def python(code: str, *arguments: str, **variables: str) -> list[str]:
    """The lines that a fresh process prints."""
    command = [sys.executable, "-c", "import os, sys\nfrom course_tools.grader.jail import warden\n" + code, *arguments]
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, timeout=SECONDS)
    return done.stdout.splitlines()


def test_what_lies_beside_a_released_lab_lies_in_the_kernels_home_but_no_notebook(tmp_path):
    home, labs = tmp_path / "home", tmp_path / "labs"
    home.mkdir()
    for name in (
        "lab99/lab99.ipynb",
        "lab99/picture.png",
        "lab99/study/figures.json",
        "lab99/study/more.ipynb",
        "lab98/x",
    ):
        (labs / name).parent.mkdir(parents=True, exist_ok=True)
        (labs / name).touch()
    code = """warden.LAB_FILES = sys.argv[1]
order = {"user": None, "disk_mib": 1, "data_mib": 4096, "cpu_seconds": 60, "lab": "lab99", "home": sys.argv[2]}
warden._confine(order, "bare")
print(os.getcwd())"""
    assert python(code, str(labs), str(home)) == [str(home)]
    inside = sorted(path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file())
    assert inside == ["picture.png", "study/figures.json"]


def test_nested_namespaces_are_used_where_the_system_grants_them_and_leave_no_mount_behind(tmp_path):
    code = """before = open("/proc/self/mounts").read()
print(warden._nested_namespaces_work())
print(open("/proc/self/mounts").read() == before)
os.geteuid() or os.setresuid(60706, 60706, 60706)
print(warden._nested_namespaces_work())"""
    granted, untouched, refused = python(code, HOME=str(tmp_path))
    assert granted == str(os.geteuid() == 0) and untouched == "True" and refused == "False"


def test_a_confined_process_has_no_capability_cannot_get_one_and_is_filtered(tmp_path):
    code = """order = {"user": None, "disk_mib": 1, "data_mib": 4096, "cpu_seconds": 60, "lab": "", "tasks": 10_000}
warden._confine(order, "flat")
fields = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
print(*(fields[name] for name in ("CapPrm", "CapEff", "CapInh", "CapAmb", "NoNewPrivs", "Seccomp")), os.getcwd())"""
    (line,) = python(code, HOME=str(tmp_path))
    assert line.split() == [*4 * ["0" * 16], "1", "2", str(tmp_path)]


def test_a_limit_never_rises_above_the_one_that_is_there(monkeypatch):
    limits = {1: resource.RLIM_INFINITY, 2: 100}
    monkeypatch.setattr(resource, "getrlimit", lambda which: (0, limits[which]))
    monkeypatch.setattr(resource, "setrlimit", lambda which, pair: limits.__setitem__(which, pair[1]))
    for which, most in ((1, 500), (2, 500), (2, 50)):
        warden._limit(which, most)
        assert limits[which] == {(1, 500): 500, (2, 500): 100, (2, 50): 50}[which, most]


def test_a_call_of_the_system_that_fails_says_which(monkeypatch):
    with pytest.raises(OSError, match="mount /nowhere: No such file or directory"):
        warden._mount("tmpfs", "/nowhere", "tmpfs")
