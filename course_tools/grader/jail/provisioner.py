"""A Jupyter kernel provisioner for kernels in a jail: whatever speaks to a `KernelManager` works with one unchanged.

So `NotebookClient(notebook, km=JailedKernelManager(jail=jail, lab="lab01", limits=Limits()))` runs a notebook in one.
"""

import socket
import tempfile
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning import KernelProvisionerBase, KernelProvisionerFactory
from traitlets import Instance, Int, Unicode

from course_tools.grader.jail import warden
from course_tools.grader.jail.limits import Limits
from course_tools.grader.jail.sandbox import Jail

NAME = "course-jail"
BACKLOG = 16
PORTS = {"shell": 1, "iopub": 2, "stdin": 3, "hb": 4, "control": 5}  # the last part of each socket's path


class JailedKernelManager(KernelManager):
    """A manager of one kernel in `jail`, for a notebook of `lab`, under `limits`, with random numbers from `seed`."""

    jail = Instance(Jail)
    lab = Unicode("")
    limits = Instance(Limits, ())
    seed = Int(0)

    def __init__(self, **kwargs: Any) -> None:
        factory = KernelProvisionerFactory.instance()
        factory.provisioners[NAME] = EntryPoint(NAME, f"{__name__}:JailProvisioner", factory.GROUP_NAME)
        super().__init__(kernel_name=NAME, transport="ipc", **kwargs)

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(
            argv=[NAME],
            display_name="Python 3",
            language="python",
            interrupt_mode="message",  # a signal would reach the jail's first process, not the kernel
            metadata={"kernel_provisioner": {"provisioner_name": NAME}},
        )


class JailProvisioner(KernelProvisionerBase):
    """Starts, asks after and kills the kernel of a `JailedKernelManager`."""

    _runs = False
    _folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def manager(self) -> JailedKernelManager:
        """The manager that made this provisioner."""
        assert isinstance(self.parent, JailedKernelManager)
        return self.parent

    @property
    def has_process(self) -> bool:
        return self._runs

    async def poll(self) -> int | None:
        if not self._runs or not self.manager.jail.alive:
            return -1
        return self.manager.jail.exited()

    async def wait(self) -> int | None:
        self._stop()
        return 0

    async def send_signal(self, signum: int) -> None:
        if signum:  # the only ones that a manager sends to a kernel of interrupt mode "message" end it
            self._stop()

    async def kill(self, restart: bool = False) -> None:
        self._stop()

    async def terminate(self, restart: bool = False) -> None:
        self._stop()

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        return {**kwargs, "cmd": []}

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """The judge's side makes the listening sockets, in a folder of its own, and hands them into the jail."""
        manager = self.manager
        self._folder = tempfile.TemporaryDirectory(prefix="k")
        manager.ip = str(Path(self._folder.name) / "k")
        listening = []
        for name, port in PORTS.items():
            setattr(manager, f"{name}_port", port)
        for name in warden.CHANNELS:
            channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            channel.bind(f"{manager.ip}-{PORTS[name]}")
            channel.listen(BACKLOG)
            listening.append(channel)
        info = manager.get_connection_info()
        plain = {name: value for name, value in info.items() if isinstance(value, (str, int))}
        try:
            manager.jail.start(
                {**plain, "key": manager.session.key.decode()},
                [channel.fileno() for channel in listening],
                lab=manager.lab,
                limits=manager.limits,
                seed=manager.seed,
            )
        finally:
            for channel in listening:
                channel.close()
        self._runs = True
        self.connection_info = info
        return info

    async def cleanup(self, restart: bool = False) -> None:
        self._stop()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _stop(self) -> None:
        if self._runs:
            self._runs = False
            self.manager.jail.stop()
