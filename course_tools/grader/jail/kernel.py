"""The Jupyter kernel in which a submission runs: IPython's, on sockets that it is given, with the judge's requests."""

import random
from typing import Any, cast

import numpy as np
import torch
import zmq
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from jupyter_client.connect import KernelConnectionInfo
from matplotlib_inline.backend_inline import configure_inline_support

from course_tools.grader.judge.agent import Agent

BACKEND = "module://matplotlib_inline.backend_inline"


class StudentKernel(IPythonKernel):
    """Answers `judge_request` on the shell channel, next to the requests that every kernel knows."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shell_handlers["judge_request"] = self.judge_request
        assert self.shell is not None  # made by the line above
        # What ends a session or empties it means nothing in grading: the answers above it stay.
        self.shell.ask_exit = lambda: None
        for magic in ("reset", "reset_selective"):
            self.shell.register_magic_function(lambda line: None, magic_name=magic)
        # The backend was imported before there was a shell that it could tell to draw.
        configure_inline_support(self.shell, BACKEND)
        self.agent = Agent(self.shell.user_ns)

    async def judge_request(self, stream: Any, ident: list[bytes], parent: dict[str, Any]) -> None:
        """Answer with `agent.Agent`; whatever the student's code raises is an answer, too."""
        try:
            answer = self.agent.answer(parent["content"])
        except BaseException as error:  # an interrupt, or a student's sys.exit
            answer = {"error": f"{type(error).__name__}: {error}"[:300]}
        assert self.session is not None  # the application has given it
        self.session.send(stream, "judge_reply", answer, parent, ident=ident)


class StudentKernelApp(IPKernelApp):
    """The kernel's application without files: its listening sockets come from outside the jail."""

    kernel_class = StudentKernel
    connection: KernelConnectionInfo
    sockets: dict[str, int]

    def init_connection_file(self) -> None:
        self.load_connection_info(self.connection)

    def write_connection_file(self, **kwargs: Any) -> None:
        pass  # there is nobody to read it

    def init_heartbeat(self) -> None:
        pass  # the warden knows whether this process lives

    def init_control(self, context: zmq.Context) -> None:
        super().init_control(context)
        # The debugger's way to the shell socket, by a path that does not exist in here.
        self.debug_shell_socket.disconnect(self.shell_socket.getsockopt(zmq.LAST_ENDPOINT))

    def _try_bind_socket(self, s: zmq.Socket, port: int) -> int:
        name = next(name for name in self.sockets if self.connection.get(f"{name}_port") == port)
        s.setsockopt(zmq.USE_FD, self.sockets[name])
        s.bind(f"ipc://{name}")
        return port


def run(connection: dict[str, Any], sockets: dict[str, int], *, seed: int) -> None:
    """Serve until told to shut down. `sockets`: file descriptors that listen already, by the channel's name."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    app = StudentKernelApp.instance()
    app.connection = cast(KernelConnectionInfo, {**connection, "key": connection["key"].encode()})
    app.sockets = sockets
    app.initialize(["--HistoryManager.enabled=False", "--log-level=CRITICAL"])
    app.start()
