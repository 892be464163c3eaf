"""The projection takes every second pixel first, then a 1×1 at stride 1; the gate written with einsum."""


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
