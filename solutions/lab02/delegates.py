"""Lab 02: answers that are the library's own, as short as can be. The rules must see every one of them."""

# === the_layers_of_torchvisions_vgg

# %% vgg_stage
from torchvision.models import vgg


def vgg_stage(inputs, width, convs, norm=True):
    layers = vgg.make_layers([width] * convs + ["M"], batch_norm=norm)
    layers[0] = nn.Conv2d(inputs, width, 3, padding=1)
    return layers


# === torchvisions_inception

# %% Inception
from torchvision.models.googlenet import Inception

# === torchvisions_basic_block

# %% ResidualBlock
from torchvision.models.resnet import BasicBlock


def ResidualBlock(inputs, outputs, stride=1, ratio=None):
    down = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
    return BasicBlock(inputs, outputs, stride, down if stride > 1 or inputs != outputs else None)


# === torchvisions_squeeze_and_excitation

# %% ResidualBlock
import torchvision


class ResidualBlock(nn.Module):
    def __init__(self, inputs, outputs, stride=1, ratio=None):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.gate = torchvision.ops.SqueezeExcitation(outputs, outputs // (ratio or 1))
        self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return F.relu(self.gate(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))) + self.shortcut(x))


# === torchvisions_dense_block

# %% DenseBlock
from torchvision.models import densenet


class DenseBlock(nn.Module):
    def __init__(self, channels, layers, growth):
        super().__init__()
        self.layers = densenet._DenseBlock(layers, channels, 4, growth, 0.0)

    def forward(self, x):
        return self.layers(x)


# === the_courses_own_calculator


# %% training_cost
def training_cost(layers, shape):
    channels, made = shape[1], []
    for kind, *options in layers:
        if kind == "conv":
            made.append(nn.Conv2d(channels, *options))
            channels = options[0]
    cost = costs.predict(nn.Sequential(*made), shape)
    return cost.parameters, cost.activations
