"""The judge's view of a student's work: call a function, build a module, ask for gradients, wherever the code runs."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from course_tools.grader.judge.agent import Agent
from course_tools.grader.judge.values import BadValue, Handle, decode, encode


class StudentError(Exception):
    """The student's code raised, is missing, or answered with something that is no value. The message says which."""


class Student:
    """A student's namespace, seen from the judge.

    >>> student.conv2d(x, weight, stride=2)           # calls the student's function with copies of the arguments
    >>> block = student.new("ResidualBlock", 8, 16)   # an object that stays on the student's side
    >>> block(x), block.state(), block.gradient(x, cotangents=g)

    send: takes a request of `agent.Agent` and gives its answer; it may raise `StudentError` (out of time, gone).
    """

    def __init__(self, send: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self._send = send

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *args, **kwargs: self.ask("call", None, name, args=list(args), kwargs=kwargs)

    def new(self, name: str, *args: Any, seed: int | None = None, **kwargs: Any) -> "Remote":
        """An object of the student's class `name`. Raises `StudentError` where the call returns something else."""
        made = self.ask("call", None, name, args=list(args), kwargs=kwargs, seed=seed)
        if not isinstance(made, Remote):
            raise StudentError(f"{name}(…) is a {type(made).__name__}, not an object")
        return made

    def gradient(self, name: str, *args: Any, cotangents: Any, **kwargs: Any) -> tuple[Any, list[Tensor | None]]:
        """Outputs of the student's function; gradients of ⟨outputs, cotangents⟩ in each float tensor of args."""
        outputs, gradients, _ = self.ask("gradient", None, name, args=list(args), kwargs=kwargs, cotangents=cotangents)
        return outputs, gradients

    def constant(self, name: str) -> Any:
        """The value of the student's variable `name`."""
        return self.ask("get", None, name)

    def ask(self, do: str, of: Handle | None = None, path: str = "", **operands: Any) -> Any:
        """One request; see `agent.Agent` for the verbs."""
        if do in ("call", "gradient", "get"):
            operands["path"] = path
        if do != "forget":
            operands["of"] = of
        # A remote object among the arguments travels as its handle.
        request = {name: encode(_handles(value)) for name, value in (("do", do), *operands.items())}
        answer = self._send(request)
        if not isinstance(answer, dict) or not ({"value"} == set(answer) or {"error"} == set(answer)):
            raise StudentError("the answer is not one")
        if "error" in answer:
            raise StudentError(f"{path or do}: {str(answer['error'])[:300]}")
        try:
            return self._remote(decode(answer["value"]))
        except BadValue as error:
            raise StudentError(f"{path or do} answered with something unreadable ({error})") from None

    def _remote(self, value: Any) -> Any:
        if isinstance(value, Handle):
            return Remote(self, value)
        if isinstance(value, (list, tuple)):
            return type(value)(self._remote(each) for each in value)
        return value


class Remote:
    """An object on the student's side, most often an `nn.Module`."""

    def __init__(self, student: Student, handle: Handle) -> None:
        self.student, self.handle = student, handle

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.method("", *args, **kwargs)

    def method(self, path: str, *args: Any, seed: int | None = None, keep: bool = False, **kwargs: Any) -> Any:
        """What the method at the dotted `path` returns; the object itself is called where it is empty.

        keep: leave the answer on the student's side, a tensor with its graph, and get a `Remote` of it
        """
        return self.student.ask("call", self.handle, path, args=list(args), kwargs=kwargs, seed=seed, keep=keep)

    def get(self, path: str) -> Any:
        """The attribute at the dotted `path`."""
        return self.student.ask("get", self.handle, path)

    def train(self) -> "Remote":
        """Put the module into training mode."""
        self.method("train")
        return self

    def eval(self) -> "Remote":
        """Put the module into evaluation mode."""
        self.method("eval")
        return self

    def double(self) -> "Remote":
        """Make the module's numbers float64."""
        self.method("double")
        return self

    def state(self) -> dict[str, Tensor]:
        """The module's state dict: names and tensors."""
        return self.student.ask("state", self.handle)

    def load(self, state: dict[str, Tensor]) -> None:
        """Set the module's parameters and buffers."""
        self.student.ask("load", self.handle, state=state)

    def gradient(self, *args: Any, cotangents: Any, **kwargs: Any) -> tuple[Any, list, dict[str, Tensor]]:
        """Outputs, gradients of ⟨outputs, cotangents⟩ in each float tensor of args, and in each parameter by name."""
        return self.student.ask("gradient", self.handle, "", args=list(args), kwargs=kwargs, cotangents=cotangents)


def in_process(namespace: dict[str, Any]) -> Student:
    """A student whose code ran here: for audits of the instructor's own code. Values are copied all the same."""
    return Student(Agent(namespace).answer)


def _handles(value: Any) -> Any:
    if isinstance(value, Remote):
        return value.handle
    if isinstance(value, (list, tuple)):
        return type(value)(_handles(each) for each in value)
    if isinstance(value, dict):
        return {key: _handles(each) for key, each in value.items()}
    return value
