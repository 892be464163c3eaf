"""A layer class that joins a list, as in lesson 07, and names as in torchvision."""


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
