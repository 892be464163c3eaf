"""The judge's view of a student's work: call a function, build a module, ask for gradients, wherever the code runs."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from types import UnionType
from typing import Any

from torch import Tensor

from course_tools.grader.judge.agent import Agent
from course_tools.grader.judge.values import BadValue, Handle, decode, encode

MOST_WATCHED = 6  # calls of one hidden test: who delegates does it in all of them


class StudentError(Exception):
    """The student's code raised, is missing, or answered with something that is no value. The message says which.

    kinds: names of the class that was raised and of those that it descends from
    """

    def __init__(self, message: str, kinds: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.kinds = kinds


class Student:
    """A student's namespace, seen from the judge.

        student.conv2d(x, weight, stride=2)           # calls the student's function with copies of the arguments
        block = student.new("ResidualBlock", 8, 16)   # an object that stays on the student's side
        block(x), block.state(), block.gradient(x, cotangents=g)

    send: takes a request of `agent.Agent` and gives its answer; it may raise `StudentError` (out of time, gone).
    used: what of the forbidden things has run since `begin`, as far as the student's process tells
    changed: the calls since `begin` that have changed what they were given
    """

    def __init__(self, send: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self._send = send
        self.begin(())

    def begin(self, forbidden: Sequence[str]) -> None:
        """A new test: from now on look for what is forbidden (`rules`) in the first few calls; to watch takes time."""
        self._forbidden, self._watches_left = list(forbidden), MOST_WATCHED
        self.used: set[str] = set()
        self.changed: set[str] = set()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *args, **kwargs: self.ask("call", None, name, args=list(args), kwargs=kwargs)

    def new(self, name: str, *args: Any, seed: int | None = None, **kwargs: Any) -> "Remote":
        """An object of the student's class `name`. Raises `StudentError` where the call returns something else."""
        return _object(self.ask("call", None, name, args=list(args), kwargs=kwargs, seed=seed), name)

    def gradient(self, name: str, *args: Any, cotangents: Any, **kwargs: Any) -> tuple[Any, list[Tensor | None]]:
        """Outputs of the student's function; gradients of ⟨outputs, cotangents⟩ in each float tensor of args."""
        answer = self.ask("gradient", None, name, args=list(args), kwargs=kwargs, cotangents=cotangents)
        return _gradients(answer, args)[:2]

    def trace(self, inner: str, name: str, *args: Any, **kwargs: Any) -> tuple[Any, list[list[tuple[int, ...] | None]]]:
        """What the student's function `name` returns, and how it called `inner`, another one or a class's method.

        For each call of `inner` the shapes of its arguments, None for what is no tensor.
        """
        answer = self.ask("trace", None, name, args=list(args), kwargs=kwargs, inner=inner)
        if not isinstance(answer, tuple) or len(answer) != 2 or not _are_shapes(answer[1]):
            raise StudentError("trace answered with something else than a value and shapes")
        return answer[0], [[None if shape is None else tuple(shape) for shape in call] for call in answer[1]]

    def constant(self, name: str) -> Any:
        """The value of the student's variable `name`."""
        return self.ask("get", None, name)

    def ask(self, do: str, of: Handle | None = None, path: str = "", **operands: Any) -> Any:
        """One request; see `agent.Agent` for the verbs."""
        if do in ("call", "trace", "gradient", "get", "state"):
            operands["path"] = path
        if do != "forget":
            operands["of"] = of
        if do in ("call", "trace", "gradient") and self._forbidden and self._watches_left:
            self._watches_left -= 1
            operands["watch"] = self._forbidden
        try:
            # A remote object among the arguments travels as its handle.
            request = {name: encode(_handles(value)) for name, value in (("do", do), *operands.items())}
        except BadValue as error:
            # An earlier answer goes back, nested so deep that one level more is too much.
            raise StudentError(f"{path or do} cannot be asked ({error})") from None
        answer = self._send(request)
        if not isinstance(answer, dict) or set(answer) - {"used", "kinds", "changed"} not in ({"value"}, {"error"}):
            raise StudentError("the answer is not one")
        if "changed" in answer:
            self.changed.add(path)
        self._note_use(answer.get("used", []))
        if "error" in answer:
            kinds = answer.get("kinds")
            names = tuple(map(str, kinds)) if isinstance(kinds, list) else ()
            raise StudentError(f"{path or do}: {str(answer['error'])[:300]}", names)
        try:
            return self._remote(decode(answer["value"]))
        except BadValue as error:
            raise StudentError(f"{path or do} answered with something unreadable ({error})") from None

    def _note_use(self, used: Any) -> None:
        if not isinstance(used, list) or not all(isinstance(name, str) for name in used):
            raise StudentError("the answer is not one")
        self.used |= {name for name in used if any(fnmatchcase(name, pattern) for pattern in self._forbidden)}

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
        answer = self.student.ask("call", self.handle, path, args=list(args), kwargs=kwargs, seed=seed, keep=keep)
        return _object(answer, path or self.handle.kind) if keep else answer

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

    def state(self, path: str = "") -> "ByName":
        """Tensors by name: the state dict of the module, or of the one at the dotted `path`."""
        return ByName(self.student.ask("state", self.handle, path), f"the state of {path or self.handle.kind}", Tensor)

    def load(self, state: dict[str, Tensor]) -> None:
        """Set the module's parameters and buffers."""
        self.student.ask("load", self.handle, state=state)

    def gradient(self, *args: Any, cotangents: Any, **kwargs: Any) -> tuple[Any, list[Tensor | None], "ByName"]:
        """Outputs, gradients of ⟨outputs, cotangents⟩ in each float tensor of args, and in each parameter by name.

        A gradient is None where the outputs do not depend on the tensor.
        """
        answer = self.student.ask("gradient", self.handle, "", args=list(args), kwargs=kwargs, cotangents=cotangents)
        return _gradients(answer, args)

    def __repr__(self) -> str:
        return f"an object of class {self.handle.kind}"


class ByName(dict[str, Any]):
    """What the student's side answered with, by name. A name that is not there is the student's error."""

    def __init__(self, answer: Any, what: str, kinds: type | UnionType) -> None:
        """Raises `StudentError` unless `answer` is a dict of values of these `kinds`."""
        if not isinstance(answer, dict):
            raise StudentError(f"{what} is a {type(answer).__name__}, not a dict")
        for name, value in answer.items():
            if not isinstance(name, str) or not isinstance(value, kinds):
                raise StudentError(f"{what} holds a {type(value).__name__} under {str(name)[:80]}")
        super().__init__(answer)
        self.what = what

    def __missing__(self, name: str) -> Any:
        raise StudentError(f"{self.what} has no {name}, only {', '.join(self)}")


def in_process(namespace: dict[str, Any]) -> Student:
    """A student whose code ran here: for audits of the instructor's own code. Values are copied all the same."""
    return Student(Agent(namespace).answer)


def _object(answer: Any, name: str) -> Remote:
    if not isinstance(answer, Remote):
        raise StudentError(f"{name}(…) is a {type(answer).__name__}, not an object")
    return answer


def _are_shapes(calls: Any) -> bool:
    return isinstance(calls, list) and all(
        isinstance(call, list)
        and all(
            shape is None or (isinstance(shape, list) and all(isinstance(size, int) for size in shape))
            for shape in call
        )
        for call in calls
    )


def _gradients(answer: Any, args: tuple[Any, ...]) -> tuple[Any, list[Tensor | None], ByName]:
    """The three parts of an answer to `gradient`: what answers need not be our agent any more."""
    if not isinstance(answer, tuple) or len(answer) != 3:
        raise StudentError("gradient answered with something else than outputs and gradients")
    outputs, gradients, weights = answer
    inputs, kinds = [value for value in args if isinstance(value, Tensor) and value.is_floating_point()], Tensor | None
    if not isinstance(gradients, list) or len(gradients) != len(inputs):
        raise StudentError(f"gradient answered with something else than {len(inputs)} gradients")
    if not all(isinstance(gradient, kinds) for gradient in gradients):
        raise StudentError("gradient answered with something else than tensors")
    return outputs, gradients, ByName(weights, "the parameters' gradients", kinds)


def _handles(value: Any) -> Any:
    if isinstance(value, Remote):
        return value.handle
    if isinstance(value, (list, tuple)):
        return type(value)(_handles(each) for each in value)
    if isinstance(value, dict):
        return {key: _handles(each) for key, each in value.items()}
    return value
