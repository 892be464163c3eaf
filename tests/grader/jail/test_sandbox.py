"""course_tools.grader.jail.sandbox: the jail as seen from inside and outside, and Jupyter's own tools over it."""

import time

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from small_class import needs_jail

from course_tools.grader.jail import sandbox, seccomp
from course_tools.grader.jail.limits import Limits
from course_tools.grader.jail.provisioner import JailedKernelManager
from course_tools.grader.jail.sandbox import Jail
from course_tools.grader.jail.session import KernelLost, KernelSession
from course_utils.command import doctor

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
        assert "0" not in fields["Uid"].split()
        looks = "import os, socket\nprint(sorted(os.listdir('/proc/self/fd'), key=int)[:4], os.listdir('/home'))\n"
        looks += "print(socket.gethostname(), [name for _, name in socket.if_nameindex()])"
        seen = printed(kernel.run_cell(looks))
        assert "['student']" in seen and "['lo']" in seen


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


@pytest.mark.parametrize("machine", seccomp.MACHINES)
def test_the_filter_has_an_answer_for_every_call(machine):
    program = seccomp.filter_of(machine)
    assert len(program) % 8 == 0 and len(program) // 8 < 4096
    assert program.count((seccomp.ERRNO | 1).to_bytes(4, "little")) == len(seccomp.REFUSED) + 1


def test_doctor_says_whether_submissions_can_be_graded(monkeypatch):
    assert doctor._sandbox()[0] in ("ok", "warn")
    monkeypatch.setenv("PATH", "/nowhere")
    status, text = doctor._sandbox()
    assert status == "warn" and text.startswith("students need none; to grade: ") and "bubblewrap" in text
