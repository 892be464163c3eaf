"""A network that filters intra predictions, and learns from what the decoder has just rebuilt.

The network sees what Cui et al. (2017, *Convolutional neural networks based intra prediction for HEVC*) show their own:
the prediction where it will stand, with decoded pixels to the left and above. Encoder and decoder both hold an
`OnlineFilter`; nothing is sent for it. `solutions/lab09/study/online_filter.py` trained what `shipped` loads.
"""

import copy
import hashlib
import math
from dataclasses import dataclass

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from course_utils import embedded
from course_utils.codec import transforms

MARGIN = 4  # decoded rows above and columns to the left that the network sees
PRIOR = 500.0  # SATD with which every sum of the gate begins, so that the first blocks do not decide alone
SHIPPED_FILE = "online_filter.safetensors"
SHIPPED_SHA256 = "961181675802ece1a959b6c6715d0b5c41218940f10fa0b2ffc80262639e8862"


def surroundings(canvas: Tensor, front: Tensor, prediction: Tensor, margin: int = MARGIN) -> tuple[Tensor, Tensor]:
    """Predictions where they will stand: (K, n + m, n + m) int64 pixels, and which of them are in the picture, bool.

    canvas: (H, W) int64 decoded pixels; front: (K, 2) row and column of blocks; prediction: (K, n, n) int64. The first
    m rows and columns are decoded pixels; those outside the picture are 0.
    """
    n = prediction.shape[-1]
    along = torch.arange(-margin, n, device=canvas.device)
    y, x = (front[:, i, None] * n + along for i in (0, 1))  # (K, n + m) each
    inside = (y >= 0)[:, :, None] & (x >= 0)[:, None, :]
    pixels = torch.where(inside, canvas[y.clamp(min=0)[:, :, None], x.clamp(min=0)[:, None, :]], 0)
    pixels[:, margin:, margin:] = prediction
    return pixels, inside


class PredictionNet(nn.Module):
    """Surroundings to filtered predictions, for blocks of any size: 38,465 weights.

    It works on pixels less their mean, in units of their spread, and gets the quantiser's step in the same unit. Its
    last layer begins near zero: from zero itself some trainings with small batches never got away. Without `knows_size`
    the block size is hidden.
    """

    def __init__(self, width: int = 32, depth: int = 4, *, knows_size: bool = True) -> None:
        super().__init__()
        self.knows_size = knows_size
        layers: list[nn.Module] = []
        for channels in (4, *[width] * depth):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
        last = nn.Conv2d(width, 1, 3, padding=1)
        nn.init.normal_(last.weight, std=0.01)
        last.bias = nn.Parameter(torch.zeros(1))
        self.body = nn.Sequential(*layers, last)

    def forward(self, pixels: Tensor, inside: Tensor, qp: int | Tensor) -> Tensor:
        """(K, n + m, n + m) pixels and bool, one QP or (K,), to predictions (K, n, n), neither rounded nor clamped."""
        dtype = next(self.parameters()).dtype
        x, known = pixels.to(dtype), inside.to(dtype)
        count = known.sum(dim=(1, 2), keepdim=True)
        mean = (x * known).sum(dim=(1, 2), keepdim=True) / count
        spread = (((x - mean) * known).square().sum(dim=(1, 2), keepdim=True) / count).sqrt() + 2
        step = 2 ** ((torch.as_tensor(qp, dtype=dtype, device=x.device) - 4) / 6)
        noise = (step.view(-1, 1, 1) / spread).log2().clamp(-4, 4) / 4
        n = x.shape[-1] - MARGIN
        size = torch.full_like(noise, math.log2(n / 8) if self.knows_size else 0.0)
        planes = [(x - mean) / spread * known, known, noise.expand_as(x), size.expand_as(x)]
        correction = self.body(torch.stack(planes, dim=1))[:, 0, MARGIN:, MARGIN:]
        return x[:, MARGIN:, MARGIN:] + spread * correction


@dataclass(frozen=True)
class Policy:
    """When the filter is on, and how it learns.

    threshold: the gate is open while the balance is at most that; inf: always
    memory: what is left of every sum after each wavefront
    control: every so many-th block is treated the other way, as a control group; 0: none
    learning_rate: of plain gradient descent, one step a wavefront; 0: no learning
    only_closed: learn only while the gate is closed
    exact: compute in float64, and keep the weights as float32 after each step
    """

    threshold: float = -0.02
    memory: float = 0.99
    control: int = 8
    learning_rate: float = 0.0
    only_closed: bool = False
    exact: bool = False


ALWAYS = Policy(threshold=math.inf, control=0)
SELF_TRUSTING = Policy(threshold=0.0, control=0)
# Two with the threshold that three photographs chose for them, in three seeds of three: see the study. The third has
# that of CONTROLLED: none was chosen for it.
CONTROLLED = Policy(threshold=-0.02)
ONLINE = Policy(threshold=0.0, learning_rate=1e-2)
LEARN_OR_FILTER = Policy(threshold=-0.02, learning_rate=1e-2, only_closed=True)


class OnlineFilter:
    """A `closed_loop.PredictionFilter` that is on while it has paid off, and learns where the policy says so.

    It sums SATD to the decoded blocks: F of the filtered and P of the plain predictions, for blocks that were coded
    with the filter and for those coded without. The balance is ln(F/P) of the ones plus ln(F/P) of the others. What is
    decoded leans to the prediction that it was coded from: up in one group, down in the other, so a control group that
    is always treated the other way cancels it.
    """

    def __init__(self, net: nn.Module, policy: Policy = CONTROLLED) -> None:
        self.first, self.policy = net, policy

    def start(self, qp: int) -> None:
        """A new picture: the first weights again, empty sums, and an open gate."""
        self.qp = qp
        self.used = self.seen = 0
        self.net = copy.deepcopy(self.first)
        if self.policy.exact:
            self.net.double()
        self.sums = torch.full((2, 2), PRIOR, dtype=torch.float64)  # coded with the filter, without; F, P
        self.open = True

    def filter(self, canvas: Tensor, front: Tensor, prediction: Tensor) -> Tensor:
        """Predictions (K, n, n) int64 in [0, 255], filtered where the gate or the control group says so."""
        self.prediction = prediction
        with torch.set_grad_enabled(self._learns()):
            self.output = self.net(*surroundings(canvas, front, prediction), self.qp)
        self.filtered = self.output.detach().round().long().clamp(0, 255)
        self.on = torch.full((len(front),), self.open, device=front.device)
        if self.policy.control:
            self.on ^= (front[:, 0] - front[:, 1]) % self.policy.control == 0
        self.seen += len(front)
        self.used += int(self.on.sum())
        return torch.where(self.on[:, None, None], self.filtered, prediction)

    def learn(self, decoded: Tensor, levels: Tensor) -> None:
        """Take one step towards the decoded blocks (K, n, n) that got a residual, levels (K, n, n); set the gate."""
        errors = torch.stack([transforms.satd(decoded - guess) for guess in (self.filtered, self.prediction)])  # (2, K)
        if self._learns():
            self._descend(decoded, levels.flatten(1).any(dim=1), errors[1])
        new = torch.stack([errors[:, group].sum(dim=1) for group in (self.on, ~self.on)])
        self.sums = self.policy.memory * self.sums + new.cpu()
        self.balance = (self.sums[:, 0] / self.sums[:, 1]).log().sum().item()
        self.open = self.balance <= self.policy.threshold

    def _learns(self) -> bool:
        return self.policy.learning_rate > 0 and not (self.policy.only_closed and self.open)

    def _descend(self, decoded: Tensor, coded: Tensor, plain: Tensor) -> None:
        if not coded.any():
            return
        # A block without a residual is its own prediction: nothing to learn, and no error that is not made by rounding.
        loss = transforms.satd((self.output - decoded)[coded]).sum() / plain[coded].sum().clamp(min=1)
        parameters = list(self.net.parameters())
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.sub_(self.policy.learning_rate * gradient)
                if self.policy.exact:
                    parameter.copy_(parameter.float())


def fingerprint(state: dict[str, Tensor]) -> str:
    """SHA-256 over names and values of a state dict, sorted by name: equal at both ends, or they are out of step."""
    digest = hashlib.sha256()
    for name, value in sorted(state.items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def shipped() -> PredictionNet:
    """The trained network that travels with the course, in evaluation mode."""
    embedded.read(SHIPPED_FILE, SHIPPED_SHA256)  # a damaged file is found here, with a clear line
    net = PredictionNet()
    net.load_state_dict(load_file(embedded.FOLDER / SHIPPED_FILE))
    return net.eval()
