"""Right answers to lab09 of another kind than the solution: each must get all points in the cells that it replaces."""


# === a_decoder_of_single_blocks
# The decoder writes each block of a front by its slices, in a list of rows; the choice by a loop.


# %% decoder
def decode(modes, levels, qp, filter=None):
    rows, columns = modes.shape
    n = levels.shape[-1]
    picture = torch.zeros((rows * n, columns * n), dtype=torch.long)
    if filter is not None:
        filter.start(qp)
    for front in intra.wavefronts(rows, columns):
        samples = intra.references(picture, n, ctu=n, at=front)
        places = front.tolist()
        guess = torch.zeros(len(places), n, n, dtype=torch.long)
        for k, (row, column) in enumerate(places):
            guess[k] = intra.predict(samples[k], int(modes[row, column]))
        if filter is not None:
            guess = filter.filter(picture.clone(), front, guess)
        sent = torch.stack([levels[row, column] for row, column in places])
        for k, (row, column) in enumerate(places):
            residual = transforms.hevc_inverse(quantisation.hevc_dequantise(sent[k], qp))
            block = torch.clip(guess[k] + residual, 0, 255)
            picture[row * n : (row + 1) * n, column * n : (column + 1) * n] = block
        if filter is not None:
            done = [picture[row * n : (row + 1) * n, column * n : (column + 1) * n] for row, column in places]
            filter.learn(torch.stack(done), sent)
    return picture


# %% choice
def choose(grid, harm=0.5):
    best = None
    for setting, changes in grid.items():
        if any(change > harm for change in changes):
            continue
        if best is None or sum(changes) < sum(grid[best]):
            best = setting
    return best


# === a_filter_with_other_names
# A filter with its state in a dictionary, that runs the network twice, and loads the first weights, not copies.


# %% filter
class OnlineFilter:
    def __init__(self, first, threshold=-0.02, learning_rate=0.0, control=True):
        self.weights = {name: value.clone() for name, value in first.state_dict().items()}
        self.net = copy.deepcopy(first)
        self.settings = (threshold, learning_rate, control)

    def start(self, qp):
        self.net.load_state_dict(self.weights)
        self.gate = Gate(self.settings[0])
        self.quantiser = qp

    def filter(self, canvas, front, prediction):
        seen = surroundings(canvas, front, prediction)
        with torch.no_grad():
            mended = torch.clamp(torch.round(self.net(*seen, self.quantiser)), 0, 255).to(torch.int64)
        which = torch.tensor([self.gate.is_open] * len(front))
        if self.settings[2]:
            which = which != control_group(front)
        self.last = {"seen": seen, "plain": prediction, "mended": mended, "which": which}
        coded_from = prediction.clone()
        coded_from[which] = mended[which]
        return coded_from

    def learn(self, decoded, levels):
        last = self.last
        if self.settings[1]:
            loss = learning_loss(self.net(*last["seen"], self.quantiser), last["plain"], decoded, levels)
            if loss is not None:
                descend(self.net, loss, self.settings[1])
        self.gate.update(
            last["which"], transforms.satd(last["mended"] - decoded), transforms.satd(last["plain"] - decoded)
        )


# === an_optimiser_of_torch
# The step by torch.optim.SGD, the loss by weights of 0 and 1; a warning on the way.

# %% learning
import warnings


def learning_loss(output, prediction, decoded, levels):
    counts = (levels.abs().sum(dim=(1, 2)) > 0).to(output.dtype)
    if counts.sum() == 0:
        return None
    above = (counts * transforms.satd(output - decoded)).sum()
    below = (counts * transforms.satd(prediction - decoded)).sum()
    return above / torch.clamp(below, min=1.0)


def descend(net, loss, learning_rate):
    warnings.warn("an optimiser for one step", stacklevel=1)
    optimiser = torch.optim.SGD(net.parameters(), lr=learning_rate)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


# === blocks_one_by_one
# Surroundings by a loop over pixels, the gate of plain floats in a dictionary.


# %% surroundings
def surroundings(canvas, front, prediction):
    count, n, _ = prediction.shape
    size = n + MARGIN
    pixels = torch.zeros(count, size, size, dtype=torch.int64)
    inside = torch.zeros(count, size, size, dtype=torch.bool)
    for k, (row, column) in enumerate(front.tolist()):
        top, left = max(0, row * n - MARGIN), max(0, column * n - MARGIN)
        bottom, right = (row + 1) * n, (column + 1) * n
        height, width = bottom - top, right - left
        pixels[k, size - height :, size - width :] = canvas[top:bottom, left:right]
        inside[k, size - height :, size - width :] = True
        pixels[k, MARGIN:, MARGIN:] = prediction[k]
    return pixels, inside


# %% gate
PRIOR = 500.0


def control_group(front):
    return torch.tensor([(row - column) % 8 == 0 for row, column in front.tolist()], dtype=torch.bool)


class Gate:
    def __init__(self, threshold, memory=0.99):
        self.threshold = threshold
        self.memory = memory
        self.sums = dict.fromkeys(("filtered with", "plain with", "filtered without", "plain without"), PRIOR)

    @property
    def balance(self):
        ratios = (self.sums[f"filtered {how}"] / self.sums[f"plain {how}"] for how in ("with", "without"))
        return sum(map(math.log, ratios))

    @property
    def is_open(self):
        return not getattr(self, "fronts", 0) or self.balance <= self.threshold

    def update(self, on, filtered, plain):
        self.fronts = 1
        self.sums = {key: self.memory * value for key, value in self.sums.items()}
        for with_filter, f, p in zip(on.tolist(), filtered.tolist(), plain.tolist(), strict=True):
            how = "with" if with_filter else "without"
            self.sums[f"filtered {how}"] += f
            self.sums[f"plain {how}"] += p


# === padding_and_unfolding
# Surroundings by padding the canvas once, with a second canvas of ones; the gate's sums in four tensors.

# %% surroundings
import torch.nn.functional as F


def surroundings(canvas, front, prediction):
    n = prediction.size(-1)
    wide = F.pad(canvas, (MARGIN, 0, MARGIN, 0))
    ones = F.pad(torch.ones_like(canvas), (MARGIN, 0, MARGIN, 0))
    side = n + MARGIN
    corners = [(int(row) * n, int(column) * n) for row, column in front]
    pixels = torch.stack([wide[y : y + side, x : x + side] for y, x in corners]).clone()
    inside = torch.stack([ones[y : y + side, x : x + side] for y, x in corners]).bool()
    pixels[:, -n:, -n:] = prediction
    return pixels, inside


# %% gate
PRIOR = 500.0


def control_group(front):
    row, column = front.unbind(1)
    return torch.remainder(row, 8) == torch.remainder(column, 8)


class Gate:
    def __init__(self, threshold, memory=0.99):
        self.threshold, self.memory = threshold, memory
        self.f_with = self.p_with = self.f_without = self.p_without = torch.tensor(PRIOR, dtype=torch.float64)
        self.balance = 0.0
        self.is_open = True

    def update(self, on, filtered, plain):
        off = on.logical_not()
        self.f_with = self.f_with * self.memory + (filtered * on).sum()
        self.p_with = self.p_with * self.memory + (plain * on).sum()
        self.f_without = self.f_without * self.memory + (filtered * off).sum()
        self.p_without = self.p_without * self.memory + (plain * off).sum()
        product = (self.f_with / self.p_with) * (self.f_without / self.p_without)
        self.balance = float(torch.log(product))
        self.is_open = bool(self.balance <= self.threshold)
