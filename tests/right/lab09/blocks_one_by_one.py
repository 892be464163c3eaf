"""Surroundings by a loop over pixels, the gate of plain floats in a dictionary."""


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
