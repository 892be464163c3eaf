"""Right answers to lab02 of another kind than the solution: each must get all points in the cells that it replaces."""


# === cost_by_hooks
# Builds the network on the meta device and asks autograd what it keeps; returns tensors.

# %% training_cost
from math import prod


def training_cost(layers, shape):
    c = shape[1]
    made = []
    with torch.device("meta"):
        for kind, *o in layers:
            if kind == "conv":
                made.append(nn.Conv2d(c, *o))
                c = o[0]
            elif kind == "norm":
                made.append(nn.BatchNorm2d(c))
            elif kind == "relu":
                made.append(nn.ReLU())
            elif kind == "pool":
                made.append(nn.MaxPool2d(*o))
            elif kind == "mean":
                made.append(nn.AdaptiveAvgPool2d(1))
            else:
                made += [nn.Flatten(), nn.Linear(prod(nn.Sequential(*made)(torch.empty(shape)).shape[1:]), o[0])]
        net = nn.Sequential(*made)
        own = {p.untyped_storage()._cdata for p in (*net.parameters(), *net.buffers())}
        found = {}

        def pack(t):
            found[t.untyped_storage()._cdata] = t.untyped_storage()
            return t.detach()

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
            y = net(torch.empty(shape))
        total = sum(s.nbytes() for key, s in found.items() if key not in own)
        del y
    return torch.tensor(sum(p.numel() for p in net.parameters())), torch.tensor(total)


# === cost_of_maps_in_a_ledger
# Every map has a number; a set says which are kept, a dict how large they are.


# %% training_cost
def training_cost(layers, shape):
    n, c, h, w = shape
    weights, extra = 0, 0
    sizes, kept = {0: n * c * h * w}, set()
    for index, layer in enumerate(layers):
        match layer:
            case ["conv", o, k, s, p]:
                weights += o * c * k * k + o
                kept.add(index)
                c, h, w = o, (h + 2 * p - k) // s + 1, (w + 2 * p - k) // s + 1
            case ["norm"]:
                weights += c + c
                extra += 2 * 4 * c
                kept.add(index)
            case ["relu"]:
                kept.add(index + 1)
            case ["pool", k, s, p]:
                kept.add(index)
                h, w = (h + 2 * p - k) // s + 1, (w + 2 * p - k) // s + 1
                extra += n * c * h * w * 8
            case ["mean"]:
                h, w = 1, 1
            case ["linear", o]:
                weights += o * c * h * w + o
                kept.add(index)
                c, h, w = o, 1, 1
        sizes[index + 1] = n * c * h * w
    return [weights, extra + 4 * sum(sizes[index] for index in kept)]


# === dense_block_of_layers_that_read_lists
# A layer class that joins a list, as in lesson 07, and names as in torchvision.


# %% DenseBlock
class DenseLayer(nn.Module):
    def __init__(self, channels, growth):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, 4 * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, features):
        y = self.conv1(F.relu(self.norm1(torch.cat(features, dim=1)), inplace=True))
        return self.conv2(F.relu(self.norm2(y), inplace=True))


class DenseBlock(nn.Module):
    def __init__(self, channels, layers, growth):
        super().__init__()
        for number in range(1, layers + 1):
            self.add_module(f"denselayer{number}", DenseLayer(channels, growth))
            channels += growth

    def forward(self, x):
        features = [x]
        for layer in self.children():
            features += [layer(features)]
        return torch.cat(features, dim=1)


# === field_from_the_top
# Goes from the last layer back to the picture: the interval that a unit needs of each map. Returns a list.


# %% receptive_field
def needed(layers, first, last):
    """The first and last place of the input that the units first to last depend on."""
    for kernel, stride, padding, dilation in reversed(layers):
        first = first * stride - padding
        last = last * stride - padding + dilation * (kernel - 1)
    return first, last


def receptive_field(layers):
    (a, b), (c, _) = needed(layers, 0, 0), needed(layers, 1, 1)
    return [b - a + 1, c - a, a]


# === gates_of_1x1_convolutions
# The gate by 1×1 convolutions, addition and ReLU in place, the shortcut as an empty Sequential.


# %% ResidualBlock
class SqueezeExcitation(nn.Module):
    def __init__(self, channels, ratio=16):
        super().__init__()
        self.w1 = nn.Conv2d(channels, channels // ratio, 1)
        self.w2 = nn.Conv2d(channels // ratio, channels, 1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.w2(self.relu(self.w1(F.adaptive_avg_pool2d(x, 1)))).sigmoid() * x


class ResidualBlock(nn.Module):
    def __init__(self, inputs, outputs, stride=1, ratio=None):
        super().__init__()
        layers = [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
        layers += [nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)]
        if ratio is not None:
            layers.append(SqueezeExcitation(outputs, ratio))
        self.f = nn.Sequential(*layers)
        self.skip = nn.Sequential()
        if (stride, inputs) != (1, outputs):
            self.skip.append(nn.Conv2d(inputs, outputs, 1, stride, bias=False))
            self.skip.append(nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.f(x)
        y += self.skip(x)
        return y.relu_()


# === modules_with_their_own_forward
# Own module classes, other names, module lists, and a warning on every call.

# %% vgg_stage
import warnings


class Unit(nn.Module):
    def __init__(self, c_in, c_out, bn):
        super().__init__()
        self.c = nn.Conv2d(c_in, c_out, (3, 3), 1, "same")
        self.b = nn.BatchNorm2d(c_out) if bn else None

    def forward(self, t):
        t = self.c(t)
        if self.b is not None:
            t = self.b(t)
        return t.clamp(min=0)


class Stage(nn.Module):
    def __init__(self, units):
        super().__init__()
        self.units = nn.ModuleList(units)

    def forward(self, t):
        warnings.warn("one more call", stacklevel=1)
        for unit in self.units:
            t = unit(t)
        return F.max_pool2d(t, kernel_size=2, stride=2)


def vgg_stage(inputs, width, convs, norm=True):
    return Stage([Unit(inputs, width, norm)] + [Unit(width, width, norm) for _ in range(convs - 1)])


# %% Inception
class Inception(nn.Module):
    def __init__(self, inputs, one, reduce3, three, reduce5, five, pool):
        super().__init__()
        plan = [[(inputs, one, 1)], [(inputs, reduce3, 1), (reduce3, three, 3)]]
        plan += [[(inputs, reduce5, 1), (reduce5, five, 5)], [(inputs, pool, 1)]]
        self.paths = nn.ModuleList()
        for path in plan:
            self.paths.append(nn.ModuleList())
            for a, b, k in path:
                self.paths[-1].append(nn.Conv2d(a, b, k, padding=(k - 1) // 2, bias=False))
                self.paths[-1].append(nn.BatchNorm2d(b))

    def forward(self, x):
        outs = []
        for number, path in enumerate(self.paths):
            y = x if number < 3 else F.max_pool2d(F.pad(x, (1, 1, 1, 1), value=float("-inf")), 3, 1)
            for layer in path:
                y = layer(y)
                if isinstance(layer, nn.BatchNorm2d):
                    y = F.relu_(y)
            outs.append(y)
        return torch.concat(outs, 1)


# === shortcut_as_a_strided_slice
# The projection takes every second pixel first, then a 1×1 at stride 1; the gate written with einsum.


# %% ResidualBlock
class SqueezeExcitation(nn.Module):
    def __init__(self, channels, ratio=16):
        super().__init__()
        hidden = channels // ratio
        self.mlp = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels), nn.Sigmoid())

    def forward(self, x):
        h, w = x.shape[2:]
        return torch.einsum("nchw,nc->nchw", x, self.mlp(x.flatten(2).sum(dim=2) / (h * w)))


class ResidualBlock(nn.Module):
    def __init__(self, inputs, outputs, stride=1, ratio=None):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.se = None if ratio is None else SqueezeExcitation(outputs, ratio)
        self.step = stride
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        identity = x
        if self.downsample is not None:
            identity = self.downsample(x[:, :, :: self.step, :: self.step])
        out = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        if self.se is not None:
            out = self.se(out)
        return torch.maximum(identity + out, torch.zeros_like(out))
