"""Right answers to lab08 of another kind than the solution: each must get all points in the cells that it replaces."""


# === blocks_as_modules
# The residual filter of modules of its own, padding always, the blind one by a constant.


# %% residual
def side_information(pictures, qp):
    grey = 255 * pictures.view(len(pictures), -1)
    deviation = ((grey - grey.mean(1, keepdim=True)) ** 2).mean(1).sqrt()
    activity = (1 + deviation).log2() / 3 - 1
    return torch.cat([((qp - 29.5) / 7.5)[:, None], activity[:, None]], 1)


class Block(nn.Module):
    def __init__(self, channels, told):
        super().__init__()
        self.told = told
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, 1, 1), nn.ReLU(), nn.Conv2d(channels, channels, 3, 1, 1)
        )
        self.gate = Gate(channels, 2 * told)

    def forward(self, x, side):
        return x + self.gate(self.body(x), side[:, : 2 * self.told])


class ResidualFilter(nn.Module):
    def __init__(self, qp_at="everywhere", channels=32, blocks=3):
        super().__init__()
        place = {"early": 0, "middle": blocks // 2, "late": blocks - 1}.get(qp_at)
        self.qp_at = qp_at
        self.head = nn.Conv2d(4, channels, 3, padding=1)
        self.body = nn.ModuleList(Block(channels, int(qp_at == "everywhere" or n == place)) for n in range(blocks))
        self.tail = nn.Conv2d(channels, 4, 3, padding=1)
        self.tail.weight.data *= 0
        self.tail.bias.data *= 0

    def forward(self, pictures, qp):
        height, width = pictures.shape[-2:]
        side = side_information(pictures, qp)
        x = torch.cat([pictures, pictures[..., -1:]], -1) if width % 2 else pictures
        x = torch.cat([x, x[..., -1:, :]], -2) if height % 2 else x
        x = F.relu(self.head(F.pixel_unshuffle(centred(x), 2)))
        for block in self.body:
            x = block(x, side)
        x = F.pixel_shuffle(self.tail(x), 2)[..., :height, :width]
        if self.qp_at == "nowhere":
            qp = qp * 0 + 29.5
        return corrected(pictures, x, qp)


# === branches_in_lists
# VRCNN of lists, ReLU in place, the last layer zeroed by a loop; a warning on the way.

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


# === convolutions_for_linear_maps
# A gate of 1×1 convolutions, and numbers in place of names.


# %% gate
class Gate(nn.Module):
    def __init__(self, channels, side, hidden=8):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(channels + side, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, channels, 1))

    def forward(self, features, side):
        pooled = F.adaptive_avg_pool2d(features, 1)
        told = torch.cat((pooled, side[:, :, None, None]), 1)
        return features * torch.sigmoid(self.net(told)) * 2


# === flags_in_loops
# Block by block in Python loops, entropy by torch.distributions-free arithmetic.


# %% flags
def wanted(off, on, original, size):
    off, on, original = off.int(), on.int(), original.int()
    count, height, width = original.shape
    rows, columns = math.ceil(height / size), math.ceil(width / size)
    result = torch.zeros(count, rows, columns, dtype=torch.bool)
    for n in range(count):
        for r in range(rows):
            for c in range(columns):
                block = (n, slice(r * size, (r + 1) * size), slice(c * size, (c + 1) * size))
                before = ((off[block] - original[block]) ** 2).sum()
                after = ((on[block] - original[block]) ** 2).sum()
                result[n, r, c] = after < before
    return result


def mixed(chosen, off, on, size):
    result = off.clone()
    for n, r, c in chosen.nonzero().tolist():
        rows, columns = slice(r * size, (r + 1) * size), slice(c * size, (c + 1) * size)
        result[n, rows, columns] = on[n, rows, columns]
    return result


def ideal_bits(chosen):
    bits = []
    for each in chosen:
        count, on = each.numel(), int(each.sum())
        off = count - on
        bits.append(sum(-k * math.log2(k / count) for k in (on, off) if k))
    return torch.tensor(bits, dtype=torch.float64)


# === picture_by_picture
# Loops over the batch, and powers of two by exp2.


# %% scale
def step_size(qp):
    return torch.exp2(qp / 6 - 2 / 3)


def centred(pictures):
    return pictures.sub(0.5).mul(4)


def corrected(pictures, correction, qp):
    parts = [x + c * float(step_size(q)) / 1020 for x, c, q in zip(pictures, correction, qp, strict=True)]
    return torch.stack(parts)


def to_picture(pictures):
    return pictures.squeeze(1).mul(255).clamp(0, 255).add(0.0).round().byte()


# %% training
def loss(filtered, original, error):
    terms = [F.mse_loss(x, y) / e for x, y, e in zip(filtered, original, error, strict=True)]
    return sum(terms) / len(terms)


def not_flat(patches, least=4.0):
    kept = []
    for patch in patches.double():
        kept.append(bool(((patch - patch.mean()) ** 2).mean().sqrt() >= least - 1e-9))
    return torch.tensor(kept)


def turned(patches, k):
    for _ in range(k % 4):
        patches = patches.transpose(-2, -1).flip(-2)
    if k // 4:
        patches = torch.flip(patches, [-1])
    return patches


def losers(decoded, filtered, original):
    change = (filtered - original) ** 2 - (decoded - original) ** 2
    return change.flatten(1).sum(1) > 0
