"""The judge's end of a kernel's channels: run a cell, pass a request to the student's agent, within limits.

Whatever comes out of the kernel is hostile input: it is small enough or dropped, decoded as JSON or dropped, and never
waited for longer than the clock allows.
"""

import json
import time
from typing import Any, NoReturn

import zmq
from jupyter_client.session import DELIM, Session
from nbformat.v4 import new_output

from course_tools.grader.jail.limits import Limits
from course_tools.grader.jail.outputs import CellOutputs
from course_tools.grader.jail.provisioner import JailedKernelManager
from course_tools.grader.jail.sandbox import Jail, SandboxError
from course_tools.grader.judge.student import StudentError

MOST_ANSWER_BYTES = 96 * 2**20  # of one message on the shell channel
MOST_OUTPUT_BYTES = 32 * 2**20  # of one message on the output channel; a larger one ends the connection
QUEUED_MESSAGES = 4
MOST_PARTS = 2_000_000  # brackets and commas of one answer: each becomes a Python object
READY_SECONDS = 60
INTERRUPT_SECONDS = 2
IDLE_SECONDS = 1  # how long to wait for output after a cell's reply
POLL_SECONDS = 0.25
ENDING_SECONDS = 3  # a kernel that ends closes its sockets first; its death may take a moment


class KernelLost(StudentError):
    """The kernel is gone, or had to be killed; the message says why, as a phrase that follows the cell's name."""


class KernelSession:
    """A kernel in `jail` and the way to it. Use it in a `with` statement: at its end all that it started is dead."""

    def __init__(self, jail: Jail, *, lab: str, limits: Limits, seed: int, deadline: float) -> None:
        self.jail, self.limits, self.deadline = jail, limits, deadline
        self._context = zmq.Context()
        self._manager = JailedKernelManager(jail=jail, lab=lab, limits=limits, seed=seed, context=self._context)
        self._seen_bytes = 0
        self.lost = ""  # why there is no kernel any more
        self.timed_out = False  # a call took too long

    def __enter__(self) -> "KernelSession":
        try:
            self._manager.start_kernel()
            # Sizes and queues are bounded before anything is connected.
            self._context.setsockopt(zmq.LINGER, 0)
            self._session = Session(key=self._manager.session.key)
            self._iopub = self._connect(zmq.SUB, "iopub", MOST_OUTPUT_BYTES)
            self._broken = self._iopub.get_monitor_socket(zmq.EVENT_DISCONNECTED)
            self._shell = self._connect(zmq.DEALER, "shell", MOST_ANSWER_BYTES)
            self._control = self._connect(zmq.DEALER, "control", MOST_OUTPUT_BYTES)
            started = time.monotonic()
            while not self._iopub.poll(int(1000 * POLL_SECONDS)):
                if time.monotonic() - started > READY_SECONDS or self.jail.exited() is not None:
                    raise SandboxError("a kernel did not come up in the sandbox; is the Python environment readable?")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        if self._manager.has_kernel:
            self._manager.shutdown_kernel(now=True)
        else:
            self._manager.cleanup_resources()
        if hasattr(self, "_iopub"):
            self._iopub.disable_monitor()
        self._context.destroy(linger=0)

    def run_cell(self, source: str, *, seconds: float | None = None) -> CellOutputs:
        """Run one cell, for `seconds` at most where they are fewer than the limit of a cell.

        Raises `KernelLost` where it takes the kernel with it.
        """
        seconds = min(self.limits.cell_seconds, seconds or self.limits.cell_seconds)
        run = CellOutputs()
        content = {"code": source, "silent": False, "store_history": True, "user_expressions": {}}
        content |= {"allow_stdin": False, "stop_on_error": False}
        request = self._request("execute_request", content)
        end = min(time.monotonic() + seconds, self.deadline)
        interrupted = replied = idle = False
        while not (replied and idle):
            now = time.monotonic()
            if now > end:
                if replied:  # its end was among the output that did not get through
                    run.outputs.append(
                        new_output("stream", name="stderr", text="[output was lost: too much at once]\n")
                    )
                    break
                if interrupted:
                    self._kill(run.error + " and did not stop when interrupted")
                self._session.send(self._control, "interrupt_request", {})
                interrupted, end = True, now + INTERRUPT_SECONDS
                run.error = f"took longer than {self._allowed(seconds)}"
            for channel, message in self._messages(end):
                if message["parent_header"].get("msg_id") != request:
                    continue
                kind, fields = message["header"].get("msg_type"), message["content"]
                if channel == "shell" and kind == "execute_reply":
                    replied, end = True, min(end, time.monotonic() + IDLE_SECONDS)
                elif channel == "iopub" and kind == "status":
                    idle |= fields.get("execution_state") == "idle"
                elif channel == "iopub":
                    run.add(kind, fields)
        self._check_limits()
        return run

    def send(self, request: dict[str, Any]) -> dict[str, Any]:
        """Pass one request to the student's agent and return its answer: the transport of `student.Student`.

        Raises `StudentError` where the call takes too long, `KernelLost` where the kernel does not survive it.
        """
        if self.lost:
            raise KernelLost(self.lost)
        if time.monotonic() > self.deadline:
            self.timed_out = True
            raise StudentError(f"there was no time left: {self._allowed(0)}")
        sent = self._request("judge_request", request)
        end = min(time.monotonic() + self.limits.call_seconds, self.deadline)
        called = request.get("path") or request.get("do")
        trouble = ""
        while True:
            now = time.monotonic()
            if now > end:
                if trouble:
                    self._kill(trouble + " and did not stop when interrupted")
                self._session.send(self._control, "interrupt_request", {})
                self.timed_out = True
                trouble, end = (
                    f"{called} took longer than {self._allowed(self.limits.call_seconds)}",
                    now + INTERRUPT_SECONDS,
                )
            for channel, message in self._messages(end):
                if channel == "shell" and message["parent_header"].get("msg_id") == sent:
                    self._check_limits()
                    if trouble:
                        raise StudentError(trouble)
                    answer: dict[str, Any] = message["content"]
                    return answer

    def _request(self, kind: str, content: dict[str, Any]) -> str:
        """Send a request on the shell channel; the id by which its answers will name it."""
        message = self._session.msg(kind, content=content)
        self._session.send(self._shell, message)
        return str(message["header"]["msg_id"])

    def _check_limits(self) -> None:
        self.jail.check_peak()
        if self.jail.overrun:
            self._kill(self.jail.overrun)

    def _allowed(self, seconds: float) -> str:
        if time.monotonic() >= self.deadline:
            return f"its share of the {self.limits.submission_seconds:g} s for the whole submission"
        return f"{seconds:g} s"

    def _connect(self, kind: int, name: str, most_bytes: int) -> zmq.Socket:
        channel = self._context.socket(kind)
        channel.setsockopt(zmq.MAXMSGSIZE, most_bytes)
        channel.setsockopt(zmq.RCVHWM, QUEUED_MESSAGES)
        if kind == zmq.SUB:
            channel.subscribe(b"")
        channel.connect(f"ipc://{self._manager.ip}-{getattr(self._manager, name + '_port')}")
        return channel

    def _messages(self, end: float) -> list[tuple[str, dict[str, Any]]]:
        """What has arrived, at most one message a channel; waits a little where nothing has. Checks on the kernel."""
        if self.jail.overrun:
            self._kill(self.jail.overrun)
        poller = zmq.Poller()
        poller.register(self._shell, zmq.POLLIN)
        poller.register(self._iopub, zmq.POLLIN)
        ready = dict(poller.poll(max(1, int(1000 * min(POLL_SECONDS, end - time.monotonic())))))
        arrived = []
        for name, channel in (("shell", self._shell), ("iopub", self._iopub)):
            if channel in ready:
                message = self._receive(channel)
                if message is not None:
                    arrived.append((name, message))
        if not ready and self.jail.exited() is not None:
            self._kill("ended the kernel")
        if self._broken.poll(0):
            self._kill("ended the kernel" if self._ends() else "put out more than it may at once, or closed its output")
        if self._seen_bytes > self.limits.output_mib << 20:
            self._kill(f"put out more than {self.limits.output_mib} MiB")
        return arrived

    def _ends(self) -> bool:
        """Whether the kernel ends now that its output is closed; one whose message was too large lives on."""
        end = time.monotonic() + ENDING_SECONDS
        while self.jail.exited() is None:
            if time.monotonic() > end:
                return False
            time.sleep(POLL_SECONDS / 5)
        return True

    def _receive(self, channel: zmq.Socket) -> dict[str, Any] | None:
        parts = channel.recv_multipart(copy=True)
        if channel is self._iopub:
            self._seen_bytes += sum(map(len, parts))
        try:
            signature = parts.index(DELIM) + 1
            header, parent, _, content = parts[signature + 1 : signature + 5]
            if sum(content.count(mark) for mark in (b",", b"[", b"{")) > MOST_PARTS:
                return None
            message = {
                "header": json.loads(header),
                "parent_header": json.loads(parent),
                "content": json.loads(content),
            }
        except (ValueError, RecursionError, MemoryError):  # UnicodeDecodeError is a ValueError, too
            return None
        return message if all(isinstance(part, dict) for part in message.values()) else None

    def _kill(self, reason: str) -> NoReturn:
        if self._manager.has_kernel:
            self._manager.shutdown_kernel(now=True)
        self.lost = self.lost or self.jail.overrun or reason
        raise KernelLost(self.lost)
