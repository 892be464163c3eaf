"""VRCNN of lists, ReLU in place, the last layer zeroed by a loop; a warning on the way."""

# %% vrcnn
import warnings


class VRCNN(nn.Module):
    def __init__(self):
        super().__init__()
        warnings.warn("branches in lists", stacklevel=1)
        widths = [(1, [(5, 64)]), (64, [(5, 16), (3, 32)]), (48, [(3, 16), (1, 32)]), (48, [(3, 1)])]
        self.layers = nn.ModuleList(
            nn.ModuleList(nn.Conv2d(inputs, count, size, padding="same") for size, count in branches)
            for inputs, branches in widths
        )
        for parameter in self.layers[-1].parameters():
            parameter.data.zero_()

    def forward(self, pictures, qp):
        x = centred(pictures)
        for number, branches in enumerate(self.layers):
            x = torch.cat([branch(x) for branch in branches], 1)
            if number < 3:
                x = F.relu_(x)
        return corrected(pictures, x, qp)
