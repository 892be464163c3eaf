"""course_tools.grader.jail.sandbox: the jail as seen from inside and outside, and Jupyter's own tools over it."""

import os
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from small_class import needs_jail

from course_tools.grader.jail import sandbox
from course_tools.grader.jail.limits import Limits
from course_tools.grader.jail.provisioner import JailedKernelManager
from course_tools.grader.jail.sandbox import Jail, SandboxError
from course_tools.grader.jail.session import KernelLost, KernelSession

pytestmark = [pytest.mark.timeout(280)]

PRELOAD = ("course_tools.grader.jail.kernel",)


@pytest.fixture(scope="module", params=["nested", "flat"])
def new_jail(request):
    """A function that gives a jail that can start a kernel: one with kernels forked in it, or a new one for each."""
    if sandbox.trouble():
        pytest.skip(f"no sandbox: {sandbox.trouble()}")
    jails = []

    def get():
        if not jails or not jails[-1].alive or jails[-1].single_use:
            jails.append(Jail(labs=None, preload=PRELOAD, cold=request.param == "flat"))
        assert jails[-1].mode == request.param
        return jails[-1]

    yield get
    for jail in jails:
        jail.close()


def session(jail, **limits):
    return KernelSession(jail, lab="", limits=Limits(**limits), seed=0, deadline=time.monotonic() + 100)


def printed(run):
    return "".join(output.text for output in run.outputs if output.output_type == "stream")


def test_the_kernel_is_a_nobody_without_rights_in_a_world_of_its_own(new_jail):
    with session(new_jail()) as kernel:
        status = printed(kernel.run_cell("print(open('/proc/self/status').read())"))
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert fields["NoNewPrivs"] == "1" and fields["Seccomp"] == "2"
        assert all(int(fields[name], 16) == 0 for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb", "CapInh"))
        users = {int(user) for user in fields["Uid"].split()}
        assert len(users) == 1 and (users < set(sandbox.FREE_USERS) if os.geteuid() == 0 else users == {1000})
        looks = "import os, socket\nprint(sorted(os.listdir('/proc/self/fd'), key=int)[:4], os.listdir('/home'))\n"
        looks += "print(socket.gethostname(), [name for _, name in socket.if_nameindex()])"
        seen = printed(kernel.run_cell(looks))
        assert "['student']" in seen and "['lo']" in seen


@pytest.mark.skipif(not os.access(sys.prefix, os.W_OK), reason="Python's folder is not ours to write in")
def test_what_lies_under_pythons_own_folder_is_concealed_and_python_is_not():
    if sandbox.trouble():
        pytest.skip(f"no sandbox: {sandbox.trouble()}")
    with tempfile.TemporaryDirectory(dir=sys.prefix, prefix="course-") as folder:
        Path(folder).chmod(0o755)
        neighbour = Path(folder, "class", "neighbour.ipynb")
        neighbour.parent.mkdir()
        neighbour.write_text("secret")
        (Path(folder) / "class.zip").write_text("secret")
        looks = f"import pathlib, torch\nfor place in sorted(pathlib.Path({folder!r}).rglob('*')):\n"
        looks += "    print(place.name, place.is_file() and place.read_text())"
        seen = []
        for concealed in ((), (neighbour.parent, Path(folder, "class.zip")), (Path(folder),)):
            jail = Jail(labs=None, preload=PRELOAD, concealed=concealed)
            try:
                with session(jail) as kernel:
                    seen.append(printed(kernel.run_cell(looks)))
            finally:
                jail.close()
    assert seen[0].count("secret") == 2 and "secret" not in seen[1] + seen[2]
    assert "class" in seen[1] and seen[2] == ""


def test_limits_hold_for_whom_the_kernel_runs_as(new_jail):
    with session(new_jail(), disk_mib=8, memory_mib=300, processes=8) as kernel:
        asks = "import resource as r\nprint([r.getrlimit(getattr(r, 'RLIMIT_' + name))[1] for name in "
        limits = printed(kernel.run_cell(asks + "('NPROC', 'FSIZE', 'DATA', 'CORE')])"))
        assert "-1" not in limits and f"{8 << 20}" in limits


def test_a_lost_kernel_names_the_limit_and_the_next_one_is_fresh(new_jail):
    with pytest.raises(KernelLost, match="used more than 300 MiB of memory"), session(new_jail(), memory_mib=300) as it:
        it.run_cell("kept = b''\nwhile True:\n    kept += bytes(b'x' * 2**25)")
    with session(new_jail()) as kernel:
        assert kernel.run_cell("kept").error == "NameError: name 'kept' is not defined"


def test_memory_given_back_before_the_watch_looks_is_still_over_the_limit(new_jail, monkeypatch):
    monkeypatch.setattr(sandbox, "WATCH_SECONDS", 60)
    with pytest.raises(KernelLost, match="used more than 300 MiB of memory"), session(new_jail(), memory_mib=300) as it:
        it.run_cell("kept = b'x' * (600 << 20)\ndel kept")
    with session(new_jail(), memory_mib=300) as kernel:
        assert kernel.run_cell("kept = b'x' * (200 << 20)").error == ""


def test_nbclient_runs_a_notebook_over_the_provisioner_unchanged(new_jail):
    notebook = new_notebook(cells=[new_code_cell("x = 6"), new_code_cell("x * 7")])
    manager = JailedKernelManager(jail=new_jail(), lab="", limits=Limits())
    NotebookClient(notebook, km=manager, timeout=60).execute()
    assert notebook.cells[1].outputs[0].data["text/plain"] == "42"
    manager.shutdown_kernel(now=True)
    assert not manager.has_kernel


def test_random_numbers_are_the_same_in_every_kernel(new_jail):
    draws = "import random, numpy, torch\nprint(random.random(), numpy.random.rand(), torch.rand(1).item(), hash('a'))"
    seen = set()
    for _ in range(2):
        with session(new_jail()) as kernel:
            seen.add(printed(kernel.run_cell(draws)))
    assert len(seen) == 1


@needs_jail
def test_a_jail_without_its_judge_ends(tmp_path):
    jail = Jail(labs=None, preload=())
    jail.close()
    assert not jail.alive


@needs_jail
def test_a_warden_that_does_not_start_is_a_fault_of_the_sandbox_and_its_words_are_told(monkeypatch):
    monkeypatch.setattr(sandbox.sys, "executable", "/bin/cat")  # `cat -m …` has no such option
    with pytest.raises(SandboxError, match=r"the sandbox failed .* invalid option"):
        Jail(labs=None, preload=())


def test_a_submissions_user_has_no_name_and_runs_nothing_else(monkeypatch):
    first = sandbox.free_user(0)
    assert first in sandbox.FREE_USERS
    assert {sandbox.free_user(number) for number in range(5)} == set(range(first, first + 5))
    named = [user for user in sandbox.FREE_USERS if user != 60800]

    def has_a_name(user):
        if user not in named:
            raise KeyError(user)

    monkeypatch.setattr(sandbox.pwd, "getpwuid", has_a_name)
    assert sandbox.free_user(0) == sandbox.free_user(400) == 60800
    busy = SimpleNamespace(info={"uids": SimpleNamespace(real=60800)})
    monkeypatch.setattr(sandbox.psutil, "process_iter", lambda fields: [busy])
    with pytest.raises(SandboxError, match="no user id from 60706 to 61183 is free"):
        sandbox.free_user(0)


def test_no_range_of_systemd_holds_a_submissions_user():
    """https://systemd.io/UIDS-GIDS/: regular users, home directories, users of containers, dynamic users, nobody."""
    for first, last in ((1000, 60000), (60001, 60513), (60514, 60577), (61184, 65519), (65534, 65535)):
        assert not set(range(first, last + 1)) & set(sandbox.FREE_USERS)
