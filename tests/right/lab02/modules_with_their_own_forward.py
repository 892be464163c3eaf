"""Own module classes, other names, module lists, and a warning on every call."""

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
