"""`course lab`: the right notebook in a JupyterLab that stops when it is told to and leaves the user's own alone."""

import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from conftest import ROOT, assert_one_clear_line
from served import Server, free_port, listens, serving

from course_utils.command import jupyterlab


def ask(server: Server, path: str, method: str = "GET", data: dict | None = None) -> dict:
    """What the server's programming interface answers."""
    body = None if data is None else json.dumps(data).encode()
    request = urllib.request.Request(server.url(path), body, server.header, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if text else {}


def page(server: Server, path: str) -> str:
    request = urllib.request.Request(server.url(path), headers=server.header)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read().decode()


def start_kernel(server: Server) -> psutil.Process:
    ask(server, "api/kernels", "POST", {"name": "python3"})
    children = psutil.Process(server.process.pid).children()
    (kernel,) = [child for child in children if "ipykernel_launcher" in child.cmdline()]
    return kernel


def test_it_serves_the_lesson_with_its_contents_beside_it(course, tmp_path):
    course("print(1)", execute=False)
    with serving("lab", cwd=tmp_path) as server:
        assert "/lab/tree/lessons/01_small.ipynb?" in server.address
        assert ask(server, "api/contents/lessons/01_small.ipynb")["type"] == "notebook"
        layout = ask(server, "lab/api/workspaces/default")["data"]["layout-restorer:data"]
        assert layout["left"]["current"] == jupyterlab.CONTENTS and not layout["left"]["collapsed"]
        assert layout["main"]["current"] == "notebook:lessons/01_small.ipynb"


def config(server: Server, address: str) -> dict:
    """What JupyterLab's page at `address` is told."""
    settings = page(server, address).split('<script id="jupyter-config-data" type="application/json">')[1]
    return json.loads(settings.split("</script>")[0])


def test_it_opens_a_copy_with_spaces_korean_letters_and_signs_in_its_name(course, tmp_path):
    lesson = course("print(1)", execute=False)
    lesson.rename(lesson.with_name("내 복사본 #1 (50 %).ipynb"))
    with serving("lab", "lessons/내 복사본 #1 (50 %).ipynb", cwd=tmp_path) as server:
        path = server.address.split("/", 3)[3].split("?")[0]
        assert config(server, path)["treePath"] == "lessons/내 복사본 #1 (50 %).ipynb"


def test_it_says_where_it_is_and_how_to_stop_it_and_no_more(course, tmp_path):
    course("print(1)", execute=False)
    with serving("lab", cwd=tmp_path) as server:
        page(server, "lab")
        start_kernel(server)
        ask(server, "api/contents/lessons/01_small.ipynb")
        time.sleep(4)  # the kernel's own warnings come when it has started
        lines = server.said.read_text("utf-8").splitlines()
    assert lines == [
        "JupyterLab, at lessons/01_small.ipynb:",
        f"    {server.address}",
        "Ctrl-C, twice, ends it; files that were saved are kept.",
    ]


def test_it_has_no_extension_for_instructors_although_nbgrader_is_installed(course, tmp_path):
    pytest.importorskip("nbgrader")
    course("print(1)", execute=False)
    with serving("lab", cwd=tmp_path) as server:
        disabled = config(server, "lab")["disabledExtensions"]
        assert {"@jupyter/nbgrader", "@jupyter-notebook/lab-extension"} <= set(disabled)
        for path in ("assignments", "courses", "formgrader"):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                page(server, path)


def test_the_users_own_settings_and_workspaces_are_neither_read_nor_written(course, tmp_path):
    course("print(1)", execute=False)
    own = tmp_path / "jupyter"
    theme = own / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
    theme.parent.mkdir(parents=True)
    theme.write_text('{"theme": "JupyterLab Dark"}')
    variables = {"JUPYTER_CONFIG_DIR": str(own), "XDG_CONFIG_HOME": str(tmp_path / "config"), "HOME": str(tmp_path)}
    with serving("lab", cwd=tmp_path, **variables) as server:
        setting = "lab/api/settings/@jupyterlab/apputils-extension:themes"
        assert ask(server, setting)["settings"] == {}
        ask(server, setting, "PUT", {"raw": '{"theme": "JupyterLab Light"}'})
        assert ask(server, setting)["settings"] == {"theme": "JupyterLab Light"}
        ask(server, "lab/api/workspaces/mine", "PUT", {"data": {}, "metadata": {"id": "mine"}})
    assert [path for path in own.rglob("*") if path.is_file() and path != theme] == []
    assert "Dark" in theme.read_text() and list((tmp_path / "config").rglob("themes.jupyterlab-settings"))


def test_two_at_once_take_two_ports_and_each_has_a_workspace_of_its_own(course, tmp_path):
    course("print(1)", execute=False)
    with serving("lab", cwd=tmp_path) as one, serving("lab", cwd=tmp_path) as other:
        assert one.port != other.port
        workspace = ask(one, "lab/api/workspaces/default")
        ask(one, "lab/api/workspaces/default", "PUT", {"data": {}, "metadata": workspace["metadata"]})
        assert ask(one, "lab/api/workspaces/default")["data"] == {}
        assert ask(other, "lab/api/workspaces/default")["data"] == workspace["data"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_and_its_kernels_and_leaves_no_file(course, tmp_path, number):
    """SIGINT ends it at once only where no terminal is there to ask."""
    course("print(1)", execute=False)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with serving("lab", cwd=tmp_path, TMPDIR=str(temporary)) as server:
        kernel = start_kernel(server)
        time.sleep(1)
        assert [path.name for path in temporary.iterdir()]
        server.process.send_signal(number)
        assert server.process.wait(20) == 0
    assert not kernel.is_running() and not listens(server.port) and not list(temporary.glob("course-lab-*"))


@contextmanager
def terminal(port: int, folder: Path) -> Iterator[tuple[subprocess.Popen, int]]:
    """`course lab` in a terminal of its own: the process, and the terminal's other end."""
    ours, its = pty.openpty()
    command = [Path(sys.executable).with_name("course"), "lab", "--no-browser", "--port", str(port)]
    process = subprocess.Popen(command, cwd=folder, stdin=its, stdout=its, stderr=its, start_new_session=True)
    try:
        yield process, ours
    finally:
        process.kill()
        process.wait()
        os.close(its)
        os.close(ours)


def read_until(terminal: int, words: str, seconds: float = 60) -> str:
    text, deadline = "", time.monotonic() + seconds
    while words not in text and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.2)[0]:
            text += os.read(terminal, 65536).decode()
    assert words in text, text
    return text


def test_one_ctrl_c_asks_and_goes_on_and_two_end_it(course, tmp_path):
    """Ctrl-C is also what one types to copy the address: that must not end an hour's training."""
    course("print(1)", execute=False)
    port = free_port()
    with terminal(port, tmp_path) as (process, keyboard):
        read_until(keyboard, "Ctrl-C, twice")
        process.send_signal(signal.SIGINT)
        read_until(keyboard, "Shut down this Jupyter server (y/[n])?")
        time.sleep(6)  # Jupyter waits 5 s for the answer
        assert process.poll() is None and listens(port)
        process.send_signal(signal.SIGINT)
        read_until(keyboard, "Shut down this Jupyter server (y/[n])?")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_it_says_so_where_the_port_is_in_use(course, type_command):
    course("print(1)", execute=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert_one_clear_line(type_command("lab", "--port", port, "--no-browser"), f"port {port} is in use")


@pytest.mark.parametrize(
    "arguments, word",
    [
        (["--port", "70000"], "70000 is not a port"),
        (["9"], "no lesson 09"),
        (["lab13"], "no such notebook: lab13"),
        (["lessons/none.ipynb"], "no such notebook"),
    ],
)
def test_it_refuses_what_is_not_there(course, type_command, arguments, word):
    course("print(1)", execute=False)
    assert_one_clear_line(type_command("lab", *arguments, "--no-browser"), word)


def test_it_refuses_a_broken_notebook(course, type_command):
    course("print(1)", execute=False).write_text("no json", encoding="utf-8")
    assert_one_clear_line(type_command("lab", "--no-browser"), "is not JSON")


def test_a_labs_name_opens_the_students_copy():
    assert jupyterlab.chosen_notebook("lab03", ROOT) == ROOT / "labs" / "lab03" / "lab03.ipynb"
    assert jupyterlab.chosen_notebook("3", ROOT).parent == ROOT / "lessons"
    assert jupyterlab.chosen_notebook(None, ROOT).name.startswith("00_")


def test_the_students_package_imports_and_prepares_a_server_where_posix_is_missing():
    """As on Windows, of which no other trait can be had here."""
    code = """
import os, pathlib, pkgutil, sys
import course_utils
for name in ("resource", "pwd", "grp", "fcntl", "termios"):
    sys.modules[name] = None
for module in pkgutil.walk_packages(course_utils.__path__, "course_utils."):
    __import__(module.name)
from course_utils.command import jupyterlab
del os.geteuid
print(jupyterlab.server_arguments(pathlib.Path(), port=None, browser=True))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "open_browser=True" in done.stdout, done.stderr
