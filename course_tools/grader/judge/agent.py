"""The student's side of the judge's channel: it calls what a student wrote, and answers with values.

It runs wherever the student's code runs: in a kernel of its own when a class is graded, in the judge's process when
the grader itself is audited. It holds no test, no expected value and no point, so nothing is lost when a student
reads or changes it: the judge compares on its own side.
"""

from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from course_tools.grader.judge.values import BadValue, Handle, decode, encode
from course_tools.grader.judge.watch import Watch

LONGEST_MESSAGE = 300


class Agent:
    """Answers requests about one namespace, the one in which the student's cells ran.

    A request is a dict with `do` and its operands, all encoded by `values`:

    | do       | operands                           | answer                                                        |
    | -------- | ---------------------------------- | ------------------------------------------------------------- |
    | call     | of, path, args, kwargs             | what the function, class or method returns                    |
    | trace    | of, path, args, kwargs, inner      | the same, and the shapes that each call of `inner` was given  |
    | gradient | of, path, args, kwargs, cotangents | outputs, gradients of the tensors in args, of the parameters  |
    | get      | of, path                           | an attribute                                                  |
    | state    | of, path                           | a module's state dict                                         |
    | load     | of, state                          | None                                                          |
    | forget   |                                    | None; drops every object kept so far                          |

    `of` is a `Handle`, or None for the namespace; `path` a dotted name inside it; `seed`, where given, seeds torch.
    With `keep` the answer stays here, a tensor with its graph, and a handle travels instead. With `watch`, a list of
    what is forbidden, the answer says under "used" what of it ran.
    """

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.namespace = namespace
        self.kept: dict[int, Any] = {}
        self.watch: Watch | None = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """{"value": …} or, where the student's code raised or returned what cannot travel, {"error": "…"}.

        An error says in "kinds" which classes its own one descends from; "changed" says that the call has changed what
        it was given.
        """
        forbidden = decode(request.get("watch"))
        if not forbidden:
            return self._answer(request)
        self.watch = Watch()
        answer = self._answer(request)
        used, self.watch = self.watch.used(forbidden), None
        return {**answer, "used": used} if used else answer

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            operands = {name: decode(value) for name, value in request.items() if name != "watch"}
            action = getattr(self, f"_{operands.pop('do')}")
            seed = operands.pop("seed", None)
            if seed is not None:
                torch.manual_seed(seed)
            keep = operands.pop("keep", False)
            operands |= {name: self._objects(operands[name]) for name in ("args", "kwargs") if name in operands}
            given = [operands.get("args"), operands.get("kwargs")]
            before = _fingerprint(given)
            answer = action(**operands)
            changed = {} if _fingerprint(given) == before else {"changed": True}
            return {"value": encode(self._keep(answer)) if keep else self._encode(answer), **changed}
        except Exception as error:
            kinds = [kind.__name__ for kind in type(error).__mro__]
            return {"error": f"{type(error).__name__}: {error}"[:LONGEST_MESSAGE], "kinds": kinds}

    def _call(self, of: Handle | None, path: str, args: list, kwargs: dict) -> Any:
        return self.run(self._find(of, path), args, kwargs)

    def _trace(self, of: Handle | None, path: str, args: list, kwargs: dict, inner: str) -> Any:
        owner_path, _, name = inner.rpartition(".")
        owner = self._find(None, owner_path) if owner_path else None
        original = self._find(None, inner)
        shapes: list[list[Any]] = []

        def counted(*args: Any, **kwargs: Any) -> Any:
            values = [*args, *kwargs.values()]
            shapes.append([list(value.shape) if isinstance(value, Tensor) else None for value in values])
            return original(*args, **kwargs)

        def put(function: Any) -> None:
            if owner is None:
                self.namespace[name] = function
            else:
                setattr(owner, name, function)

        put(counted)
        try:
            return self._call(of, path, args, kwargs), shapes
        finally:
            put(original)

    def _gradient(self, of: Handle | None, path: str, args: list, kwargs: dict, cotangents: Any) -> Any:
        called = self._find(of, path)
        inputs = [each.requires_grad_() for each in args if isinstance(each, Tensor) and each.is_floating_point()]
        weights = dict(called.named_parameters()) if isinstance(called, nn.Module) else {}
        outputs = self.run(called, args, kwargs)
        several = [outputs] if isinstance(outputs, Tensor) else list(outputs)
        cotangents = [cotangents] if isinstance(cotangents, Tensor) else cotangents
        pairs = [(o, c) for o, c in zip(several, cotangents, strict=True) if c is not None]
        tensors, wanted = zip(*pairs, strict=True)
        found = torch.autograd.grad(tensors, [*inputs, *weights.values()], wanted, allow_unused=True)
        return outputs, list(found[: len(inputs)]), dict(zip(weights, found[len(inputs) :], strict=True))

    def run(self, called: Any, args: list, kwargs: dict) -> Any:
        """Call what the student wrote; an audit's agent may do more with it."""
        with self.watch or nullcontext():
            return called(*args, **kwargs)

    def _get(self, of: Handle | None, path: str) -> Any:
        return self._find(of, path)

    def _state(self, of: Handle, path: str) -> dict[str, Tensor]:
        return dict(self._find(of, path).state_dict())

    def _load(self, of: Handle, state: dict[str, Tensor]) -> None:
        self._find(of, "").load_state_dict(state)

    def _forget(self) -> None:
        self.kept.clear()

    def _find(self, of: Handle | None, path: str) -> Any:
        names = path.split(".") if path else []
        if of is None:
            if names[0] not in self.namespace:
                raise NameError(f"{names[0]} is not defined")
            found = self.namespace[names.pop(0)]
        else:
            found = self.kept[of.number]
        for name in names:
            found = getattr(found, name)
        return found

    def _objects(self, value: Any) -> Any:
        """`value` with each handle replaced by the object that it names."""
        if isinstance(value, Handle):
            return self.kept[value.number]
        if isinstance(value, dict):
            return {key: self._objects(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self._objects(each) for each in value)
        return value

    def _encode(self, value: Any) -> Any:
        """`value` encoded; an object that cannot travel stays here, and a handle to it travels instead."""
        if isinstance(value, (list, tuple)) and any(isinstance(each, nn.Module) for each in value):
            value = type(value)(self._keep(each) if isinstance(each, nn.Module) else each for each in value)
        try:
            return encode(value)
        except BadValue:
            if isinstance(value, (list, tuple, dict, Tensor)):
                raise
            return encode(self._keep(value))

    def _keep(self, value: Any) -> Handle:
        number = len(self.kept)
        self.kept[number] = value
        return Handle(number, type(value).__name__)


def _fingerprint(value: Any) -> Any:
    """What differs once the numbers of a tensor, or the items of a list or dict, have been changed.

    torch counts the changes of a tensor; to compare the numbers would take longer than most answers.
    """
    if isinstance(value, Tensor):
        return id(value), value._version, value.shape
    if isinstance(value, dict):
        return {key: _fingerprint(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_fingerprint(item) for item in value]
    return value if isinstance(value, (bool, int, float, str)) else id(value)
