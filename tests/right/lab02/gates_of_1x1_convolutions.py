"""The gate by 1×1 convolutions, addition and ReLU in place, the shortcut as an empty Sequential."""


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
