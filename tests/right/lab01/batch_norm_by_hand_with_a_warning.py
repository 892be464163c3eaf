"""Another formula for the variance, more buffers, and a warning on every call."""

# %% BatchNorm2d
import warnings


class BatchNorm2d(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.register_buffer("calls", torch.tensor(0))
        self.settings = {"eps": eps, "momentum": momentum}

    def forward(self, x):
        warnings.warn("slow batch normalisation", stacklevel=1)
        if self.training:
            self.calls += 1
            flat = x.transpose(0, 1).flatten(1)
            mu = flat.mean(1)
            var = ((flat - mu[:, None]) ** 2).mean(1)
            m, n = self.settings["momentum"], flat.shape[1]
            self.running_mean.copy_((1 - m) * self.running_mean + m * mu.detach())
            self.running_var.copy_((1 - m) * self.running_var + m * var.detach() * n / (n - 1))
        else:
            mu, var = self.running_mean, self.running_var
        normal = (x - mu.view(1, -1, 1, 1)) * (var.view(1, -1, 1, 1) + self.settings["eps"]) ** -0.5
        return normal * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)
