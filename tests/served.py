"""A server that `course` starts, for the tests that open a page of it or send it signals."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/\S*token=(\w+)")
SECONDS = 90  # for a server to start on a busy machine


@dataclass(frozen=True)
class Server:
    """process: `course` itself; address: the page that it says to open; said: what it has written, a file."""

    process: subprocess.Popen
    address: str
    port: int
    token: str
    said: Path

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"

    @property
    def header(self) -> dict[str, str]:
        return {"Authorization": f"token {self.token}"}


@contextmanager
def serving(*arguments: str, cwd: Path, stdin: int | IO = subprocess.DEVNULL, **variables: str) -> Iterator[Server]:
    """Run `course …`, without a browser, until the block ends; it has said its address and listens."""
    said = cwd / f"said-by-{'-'.join(arguments).replace('/', '_')}-{time.monotonic_ns()}.log"
    command = [Path(sys.executable).with_name("course"), *arguments, "--no-browser"]
    with said.open("wb") as output:
        environment = {**os.environ, **variables}
        process = subprocess.Popen(command, cwd=cwd, env=environment, stdin=stdin, stdout=output, stderr=output)
    try:
        yield _started(process, said)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def _started(process: subprocess.Popen, said: Path) -> Server:
    deadline = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if (address := ADDRESS.search(said.read_text("utf-8"))) and listens(port := int(address[1])):
            return Server(process, address[0], port, address[2], said)
        time.sleep(0.1)
    pytest.fail(f"no server: {said.read_text('utf-8')}")


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
