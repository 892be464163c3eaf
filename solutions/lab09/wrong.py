"""Wrong answers to lab09: for each the hidden tests that must notice it, and the solution cells that it replaces."""


# === choice_at_half_a_percent
# The limit is always 0.5.
# fails: choices_from_random_grids


# %% choice
def choose(grid: dict[str, list[float]], harm: float = 0.5) -> str | None:
    """The name of the setting to use: the lowest mean among those whose worst picture loses at most `harm` percent."""
    means = {setting: statistics.mean(values) for setting, values in grid.items() if max(values) <= 0.5}
    return min(means, key=means.get, default=None)


# === choice_by_the_best
# The setting whose best picture is best.
# fails: choices_at_the_edge


# %% choice
def choose(grid: dict[str, list[float]], harm: float = 0.5) -> str | None:
    """The name of the setting to use: the lowest mean among those whose worst picture loses at most `harm` percent."""
    means = {setting: min(values) for setting, values in grid.items() if max(values) <= harm}
    return min(means, key=means.get, default=None)


# === choice_by_the_worst
# The setting whose worst picture is best.
# fails: choices_from_random_grids


# %% choice
def choose(grid: dict[str, list[float]], harm: float = 0.5) -> str | None:
    """The name of the setting to use: the lowest mean among those whose worst picture loses at most `harm` percent."""
    means = {setting: max(values) for setting, values in grid.items() if max(values) <= harm}
    return min(means, key=means.get, default=None)


# === choice_gives_the_mean
# The mean in place of the name.
# fails: choices_from_random_grids


# %% choice
def choose(grid: dict[str, list[float]], harm: float = 0.5) -> str | None:
    """The name of the setting to use: the lowest mean among those whose worst picture loses at most `harm` percent."""
    means = {setting: statistics.mean(values) for setting, values in grid.items() if max(values) <= harm}
    return min(means.values(), default=None)


# === choice_of_means_within_harm
# The mean must be safe, not each picture.
# fails: choices_from_random_grids


# %% choice
def choose(grid: dict[str, list[float]], harm: float = 0.5) -> str | None:
    """The name of the setting to use: the lowest mean among those whose worst picture loses at most `harm` percent."""
    means = {setting: statistics.mean(values) for setting, values in grid.items() if statistics.mean(values) <= harm}
    return min(means, key=means.get, default=None)


# === choice_of_the_highest
# The highest mean.
# fails: choices_from_random_grids


# %% choice
def choose(grid: dict[str, list[float]], harm: float = 0.5) -> str | None:
    """The name of the setting to use: the lowest mean among those whose worst picture loses at most `harm` percent."""
    means = {setting: statistics.mean(values) for setting, values in grid.items() if max(values) <= harm}
    return max(means, key=means.get, default=None)


# === choice_raises
# An error where nothing is safe.
# fails: choices_at_the_edge


# %% choice
def choose(grid: dict[str, list[float]], harm: float = 0.5) -> str | None:
    """The name of the setting to use: the lowest mean among those whose worst picture loses at most `harm` percent."""
    means = {setting: statistics.mean(values) for setting, values in grid.items() if max(values) <= harm}
    return min(means, key=means.get)


# === choice_strictly_below
# Exactly the limit counts as harm.
# fails: choices_at_the_edge


# %% choice
def choose(grid: dict[str, list[float]], harm: float = 0.5) -> str | None:
    """The name of the setting to use: the lowest mean among those whose worst picture loses at most `harm` percent."""
    means = {setting: statistics.mean(values) for setting, values in grid.items() if max(values) < harm}
    return min(means, key=means.get, default=None)


# === choice_without_harm
# The lowest mean, safe or not.
# fails: choices_from_random_grids


# %% choice
def choose(grid: dict[str, list[float]], harm: float = 0.5) -> str | None:
    """The name of the setting to use: the lowest mean among those whose worst picture loses at most `harm` percent."""
    means = {setting: statistics.mean(values) for setting, values in grid.items()}
    return min(means, key=means.get, default=None)


# === control_group_by_the_sum
# Row plus column.
# fails: control_groups_of_fronts

# %% gate
PRIOR = 500.0


def control_group(front: Tensor) -> Tensor:
    """Which blocks of a front (K, 2) are treated the other way: (K,) bool."""
    return (front[:, 0] + front[:, 1]) % 8 == 0


class Gate:
    """Open while the filter has paid off. Attributes: `is_open`, a bool, and `balance`, a float that starts at 0."""

    def __init__(self, threshold: float, memory: float = 0.99) -> None:
        self.threshold, self.memory = threshold, memory
        self.sums = torch.full((2, 2), PRIOR, dtype=torch.float64)  # coded with, without the filter; F, P
        self.balance, self.is_open = 0.0, True

    def update(self, on: Tensor, filtered: Tensor, plain: Tensor) -> None:
        """One front: which blocks were coded with the filter (K,) bool, and both SATDs to the decoded blocks (K,)."""
        new = torch.stack([torch.stack([filtered[group].sum(), plain[group].sum()]) for group in (on, ~on)])
        self.sums = self.memory * self.sums + new
        self.balance = (self.sums[:, 0] / self.sums[:, 1]).log().sum().item()
        self.is_open = self.balance <= self.threshold


# === control_group_in_stripes
# Every eighth column, whatever the row.
# fails: control_groups_of_fronts

# %% gate
PRIOR = 500.0


def control_group(front: Tensor) -> Tensor:
    """Which blocks of a front (K, 2) are treated the other way: (K,) bool."""
    return front[:, 1] % 8 == 0


class Gate:
    """Open while the filter has paid off. Attributes: `is_open`, a bool, and `balance`, a float that starts at 0."""

    def __init__(self, threshold: float, memory: float = 0.99) -> None:
        self.threshold, self.memory = threshold, memory
        self.sums = torch.full((2, 2), PRIOR, dtype=torch.float64)  # coded with, without the filter; F, P
        self.balance, self.is_open = 0.0, True

    def update(self, on: Tensor, filtered: Tensor, plain: Tensor) -> None:
        """One front: which blocks were coded with the filter (K,) bool, and both SATDs to the decoded blocks (K,)."""
        new = torch.stack([torch.stack([filtered[group].sum(), plain[group].sum()]) for group in (on, ~on)])
        self.sums = self.memory * self.sums + new
        self.balance = (self.sums[:, 0] / self.sums[:, 1]).log().sum().item()
        self.is_open = self.balance <= self.threshold


# === control_group_is_the_rest
# Seven in eight are the control group.
# fails: control_groups_of_fronts

# %% gate
PRIOR = 500.0


def control_group(front: Tensor) -> Tensor:
    """Which blocks of a front (K, 2) are treated the other way: (K,) bool."""
    return (front[:, 0] - front[:, 1]) % 8 != 0


class Gate:
    """Open while the filter has paid off. Attributes: `is_open`, a bool, and `balance`, a float that starts at 0."""

    def __init__(self, threshold: float, memory: float = 0.99) -> None:
        self.threshold, self.memory = threshold, memory
        self.sums = torch.full((2, 2), PRIOR, dtype=torch.float64)  # coded with, without the filter; F, P
        self.balance, self.is_open = 0.0, True

    def update(self, on: Tensor, filtered: Tensor, plain: Tensor) -> None:
        """One front: which blocks were coded with the filter (K,) bool, and both SATDs to the decoded blocks (K,)."""
        new = torch.stack([torch.stack([filtered[group].sum(), plain[group].sum()]) for group in (on, ~on)])
        self.sums = self.memory * self.sums + new
        self.balance = (self.sums[:, 0] / self.sums[:, 1]).log().sum().item()
        self.is_open = self.balance <= self.threshold


# === control_group_only_above_zero
# Only the main diagonal and those below it.
# fails: control_groups_of_fronts

# %% gate
PRIOR = 500.0


def control_group(front: Tensor) -> Tensor:
    """Which blocks of a front (K, 2) are treated the other way: (K,) bool."""
    return ((front[:, 0] - front[:, 1]) % 8 == 0) & (front[:, 0] >= front[:, 1])


class Gate:
    """Open while the filter has paid off. Attributes: `is_open`, a bool, and `balance`, a float that starts at 0."""

    def __init__(self, threshold: float, memory: float = 0.99) -> None:
        self.threshold, self.memory = threshold, memory
        self.sums = torch.full((2, 2), PRIOR, dtype=torch.float64)  # coded with, without the filter; F, P
        self.balance, self.is_open = 0.0, True

    def update(self, on: Tensor, filtered: Tensor, plain: Tensor) -> None:
        """One front: which blocks were coded with the filter (K,) bool, and both SATDs to the decoded blocks (K,)."""
        new = torch.stack([torch.stack([filtered[group].sum(), plain[group].sum()]) for group in (on, ~on)])
        self.sums = self.memory * self.sums + new
        self.balance = (self.sums[:, 0] / self.sums[:, 1]).log().sum().item()
        self.is_open = self.balance <= self.threshold


# === decoder_at_one_qp
# The step of QP 32.
# fails: decoders_without_a_filter


# %% decoder
def decode(modes: Tensor, levels: Tensor, qp: int, filter: OnlineFilter | None = None) -> Tensor:
    """Modes (R, C) and levels (R, C, n, n) to the picture (R·n, C·n) int64."""
    rows, columns, n = levels.shape[:3]
    decoded = torch.zeros(rows * n, columns * n, dtype=torch.int64)
    if filter:
        filter.start(qp)
    for front in intra.wavefronts(rows, columns):
        here = front.unbind(1)
        samples = intra.references(decoded, n, ctu=n, at=front)  # (K, 4n + 1)
        pairs = zip(samples, modes[here].tolist(), strict=True)
        prediction = torch.stack([intra.predict(each, mode) for each, mode in pairs])  # (K, n, n)
        if filter:
            prediction = filter.filter(decoded, front, prediction)
        residual = transforms.hevc_inverse(quantisation.hevc_dequantise(levels[here], 32))
        rebuilt = (prediction + residual).clamp(0, 255)
        blocks.cut(decoded, n)[here] = rebuilt
        if filter:
            filter.learn(rebuilt, levels[here])
    return decoded


# === decoder_filters_the_sum
# The filter works on the decoded block, after the residual.
# fails: decoders_with_a_filter


# %% decoder
def decode(modes: Tensor, levels: Tensor, qp: int, filter: OnlineFilter | None = None) -> Tensor:
    """Modes (R, C) and levels (R, C, n, n) to the picture (R·n, C·n) int64."""
    rows, columns, n = levels.shape[:3]
    decoded = torch.zeros(rows * n, columns * n, dtype=torch.int64)
    if filter:
        filter.start(qp)
    for front in intra.wavefronts(rows, columns):
        here = front.unbind(1)
        samples = intra.references(decoded, n, ctu=n, at=front)  # (K, 4n + 1)
        pairs = zip(samples, modes[here].tolist(), strict=True)
        prediction = torch.stack([intra.predict(each, mode) for each, mode in pairs])  # (K, n, n)
        residual = transforms.hevc_inverse(quantisation.hevc_dequantise(levels[here], qp))
        rebuilt = (prediction + residual).clamp(0, 255)
        if filter:
            rebuilt = filter.filter(decoded, front, rebuilt)
        blocks.cut(decoded, n)[here] = rebuilt
        if filter:
            filter.learn(rebuilt, levels[here])
    return decoded


# === decoder_filters_too_late
# The block stands in the picture before the filter has seen it.
# fails: decoders_with_a_filter


# %% decoder
def decode(modes: Tensor, levels: Tensor, qp: int, filter: OnlineFilter | None = None) -> Tensor:
    """Modes (R, C) and levels (R, C, n, n) to the picture (R·n, C·n) int64."""
    rows, columns, n = levels.shape[:3]
    decoded = torch.zeros(rows * n, columns * n, dtype=torch.int64)
    if filter:
        filter.start(qp)
    for front in intra.wavefronts(rows, columns):
        here = front.unbind(1)
        samples = intra.references(decoded, n, ctu=n, at=front)  # (K, 4n + 1)
        pairs = zip(samples, modes[here].tolist(), strict=True)
        prediction = torch.stack([intra.predict(each, mode) for each, mode in pairs])  # (K, n, n)
        blocks.cut(decoded, n)[here] = prediction
        if filter:
            filter.filter(decoded, front, prediction)
        residual = transforms.hevc_inverse(quantisation.hevc_dequantise(levels[here], qp))
        rebuilt = (prediction + residual).clamp(0, 255)
        blocks.cut(decoded, n)[here] = rebuilt
        if filter:
            filter.learn(rebuilt, levels[here])
    return decoded


# === decoder_is_not_clamped
# Prediction plus residual, whatever it is.
# fails: decoders_stay_in_range


# %% decoder
def decode(modes: Tensor, levels: Tensor, qp: int, filter: OnlineFilter | None = None) -> Tensor:
    """Modes (R, C) and levels (R, C, n, n) to the picture (R·n, C·n) int64."""
    rows, columns, n = levels.shape[:3]
    decoded = torch.zeros(rows * n, columns * n, dtype=torch.int64)
    if filter:
        filter.start(qp)
    for front in intra.wavefronts(rows, columns):
        here = front.unbind(1)
        samples = intra.references(decoded, n, ctu=n, at=front)  # (K, 4n + 1)
        pairs = zip(samples, modes[here].tolist(), strict=True)
        prediction = torch.stack([intra.predict(each, mode) for each, mode in pairs])  # (K, n, n)
        if filter:
            prediction = filter.filter(decoded, front, prediction)
        residual = transforms.hevc_inverse(quantisation.hevc_dequantise(levels[here], qp))
        rebuilt = prediction + residual
        blocks.cut(decoded, n)[here] = rebuilt
        if filter:
            filter.learn(rebuilt, levels[here])
    return decoded


# === decoder_learns_from_residuals
# The filter learns from the residual, not from what was decoded.
# fails: decoders_with_a_filter


# %% decoder
def decode(modes: Tensor, levels: Tensor, qp: int, filter: OnlineFilter | None = None) -> Tensor:
    """Modes (R, C) and levels (R, C, n, n) to the picture (R·n, C·n) int64."""
    rows, columns, n = levels.shape[:3]
    decoded = torch.zeros(rows * n, columns * n, dtype=torch.int64)
    if filter:
        filter.start(qp)
    for front in intra.wavefronts(rows, columns):
        here = front.unbind(1)
        samples = intra.references(decoded, n, ctu=n, at=front)  # (K, 4n + 1)
        pairs = zip(samples, modes[here].tolist(), strict=True)
        prediction = torch.stack([intra.predict(each, mode) for each, mode in pairs])  # (K, n, n)
        if filter:
            prediction = filter.filter(decoded, front, prediction)
        residual = transforms.hevc_inverse(quantisation.hevc_dequantise(levels[here], qp))
        rebuilt = (prediction + residual).clamp(0, 255)
        blocks.cut(decoded, n)[here] = rebuilt
        if filter:
            filter.learn(residual, levels[here])
    return decoded


# === decoder_never_learns
# The filter is never told what was decoded.
# fails: decoders_with_a_filter


# %% decoder
def decode(modes: Tensor, levels: Tensor, qp: int, filter: OnlineFilter | None = None) -> Tensor:
    """Modes (R, C) and levels (R, C, n, n) to the picture (R·n, C·n) int64."""
    rows, columns, n = levels.shape[:3]
    decoded = torch.zeros(rows * n, columns * n, dtype=torch.int64)
    if filter:
        filter.start(qp)
    for front in intra.wavefronts(rows, columns):
        here = front.unbind(1)
        samples = intra.references(decoded, n, ctu=n, at=front)  # (K, 4n + 1)
        pairs = zip(samples, modes[here].tolist(), strict=True)
        prediction = torch.stack([intra.predict(each, mode) for each, mode in pairs])  # (K, n, n)
        if filter:
            prediction = filter.filter(decoded, front, prediction)
        residual = transforms.hevc_inverse(quantisation.hevc_dequantise(levels[here], qp))
        rebuilt = (prediction + residual).clamp(0, 255)
        blocks.cut(decoded, n)[here] = rebuilt
    return decoded


# === decoder_never_starts
# The filter is not told that a picture begins.
# fails: decoders_with_a_filter


# %% decoder
def decode(modes: Tensor, levels: Tensor, qp: int, filter: OnlineFilter | None = None) -> Tensor:
    """Modes (R, C) and levels (R, C, n, n) to the picture (R·n, C·n) int64."""
    rows, columns, n = levels.shape[:3]
    decoded = torch.zeros(rows * n, columns * n, dtype=torch.int64)
    for front in intra.wavefronts(rows, columns):
        here = front.unbind(1)
        samples = intra.references(decoded, n, ctu=n, at=front)  # (K, 4n + 1)
        pairs = zip(samples, modes[here].tolist(), strict=True)
        prediction = torch.stack([intra.predict(each, mode) for each, mode in pairs])  # (K, n, n)
        if filter:
            prediction = filter.filter(decoded, front, prediction)
        residual = transforms.hevc_inverse(quantisation.hevc_dequantise(levels[here], qp))
        rebuilt = (prediction + residual).clamp(0, 255)
        blocks.cut(decoded, n)[here] = rebuilt
        if filter:
            filter.learn(rebuilt, levels[here])
    return decoded


# === decoder_of_eight
# Blocks of 8, whatever the levels say.
# fails: decoders_without_a_filter


# %% decoder
def decode(modes: Tensor, levels: Tensor, qp: int, filter: OnlineFilter | None = None) -> Tensor:
    """Modes (R, C) and levels (R, C, n, n) to the picture (R·n, C·n) int64."""
    (rows, columns), n = levels.shape[:2], 8
    decoded = torch.zeros(rows * n, columns * n, dtype=torch.int64)
    if filter:
        filter.start(qp)
    for front in intra.wavefronts(rows, columns):
        here = front.unbind(1)
        samples = intra.references(decoded, n, ctu=n, at=front)  # (K, 4n + 1)
        pairs = zip(samples, modes[here].tolist(), strict=True)
        prediction = torch.stack([intra.predict(each, mode) for each, mode in pairs])  # (K, n, n)
        if filter:
            prediction = filter.filter(decoded, front, prediction)
        residual = transforms.hevc_inverse(quantisation.hevc_dequantise(levels[here], qp))
        rebuilt = (prediction + residual).clamp(0, 255)
        blocks.cut(decoded, n)[here] = rebuilt
        if filter:
            filter.learn(rebuilt, levels[here])
    return decoded


# === decoder_of_square_pictures
# As many columns as rows.
# fails: decoders_without_a_filter


# %% decoder
def decode(modes: Tensor, levels: Tensor, qp: int, filter: OnlineFilter | None = None) -> Tensor:
    """Modes (R, C) and levels (R, C, n, n) to the picture (R·n, C·n) int64."""
    rows, columns, n = levels.shape[:3]
    decoded = torch.zeros(rows * n, rows * n, dtype=torch.int64)
    if filter:
        filter.start(qp)
    for front in intra.wavefronts(rows, columns):
        here = front.unbind(1)
        samples = intra.references(decoded, n, ctu=n, at=front)  # (K, 4n + 1)
        pairs = zip(samples, modes[here].tolist(), strict=True)
        prediction = torch.stack([intra.predict(each, mode) for each, mode in pairs])  # (K, n, n)
        if filter:
            prediction = filter.filter(decoded, front, prediction)
        residual = transforms.hevc_inverse(quantisation.hevc_dequantise(levels[here], qp))
        rebuilt = (prediction + residual).clamp(0, 255)
        blocks.cut(decoded, n)[here] = rebuilt
        if filter:
            filter.learn(rebuilt, levels[here])
    return decoded


# === decoder_without_prediction
# Only the residual.
# fails: decoders_without_a_filter


# %% decoder
def decode(modes: Tensor, levels: Tensor, qp: int, filter: OnlineFilter | None = None) -> Tensor:
    """Modes (R, C) and levels (R, C, n, n) to the picture (R·n, C·n) int64."""
    rows, columns, n = levels.shape[:3]
    decoded = torch.zeros(rows * n, columns * n, dtype=torch.int64)
    if filter:
        filter.start(qp)
    for front in intra.wavefronts(rows, columns):
        here = front.unbind(1)
        samples = intra.references(decoded, n, ctu=n, at=front)  # (K, 4n + 1)
        pairs = zip(samples, modes[here].tolist(), strict=True)
        prediction = torch.stack([intra.predict(each, mode) for each, mode in pairs])  # (K, n, n)
        if filter:
            prediction = filter.filter(decoded, front, prediction)
        residual = transforms.hevc_inverse(quantisation.hevc_dequantise(levels[here], qp))
        rebuilt = residual.clamp(0, 255)
        blocks.cut(decoded, n)[here] = rebuilt
        if filter:
            filter.learn(rebuilt, levels[here])
    return decoded


# === decoder_wraps_round
# Modulo 256, as uint8 would.
# fails: decoders_stay_in_range


# %% decoder
def decode(modes: Tensor, levels: Tensor, qp: int, filter: OnlineFilter | None = None) -> Tensor:
    """Modes (R, C) and levels (R, C, n, n) to the picture (R·n, C·n) int64."""
    rows, columns, n = levels.shape[:3]
    decoded = torch.zeros(rows * n, columns * n, dtype=torch.int64)
    if filter:
        filter.start(qp)
    for front in intra.wavefronts(rows, columns):
        here = front.unbind(1)
        samples = intra.references(decoded, n, ctu=n, at=front)  # (K, 4n + 1)
        pairs = zip(samples, modes[here].tolist(), strict=True)
        prediction = torch.stack([intra.predict(each, mode) for each, mode in pairs])  # (K, n, n)
        if filter:
            prediction = filter.filter(decoded, front, prediction)
        residual = transforms.hevc_inverse(quantisation.hevc_dequantise(levels[here], qp))
        rebuilt = (prediction + residual) % 256
        blocks.cut(decoded, n)[here] = rebuilt
        if filter:
            filter.learn(rebuilt, levels[here])
    return decoded


# === descend_adds_up_gradients
# Gradients of earlier steps are never set to zero.
# fails: steps_of_gradient_descent


# %% learning
def learning_loss(output: Tensor, prediction: Tensor, decoded: Tensor, levels: Tensor) -> Tensor | None:
    """The loss of one front, all four (K, n, n): a scalar with a gradient in `output`; None where no block counts."""
    coded = levels.flatten(1).any(dim=1)  # (K,)
    if not coded.any():
        return None
    plain = transforms.satd((prediction - decoded)[coded]).sum()
    return transforms.satd((output - decoded)[coded]).sum() / plain.clamp(min=1)


def descend(net: nn.Module, loss: Tensor, learning_rate: float) -> None:
    """One step of gradient descent on the weights of `net`, in place."""
    loss.backward()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter -= learning_rate * parameter.grad


# === descend_by_the_sign
# Only the gradient's sign counts.
# fails: steps_of_gradient_descent


# %% learning
def learning_loss(output: Tensor, prediction: Tensor, decoded: Tensor, levels: Tensor) -> Tensor | None:
    """The loss of one front, all four (K, n, n): a scalar with a gradient in `output`; None where no block counts."""
    coded = levels.flatten(1).any(dim=1)  # (K,)
    if not coded.any():
        return None
    plain = transforms.satd((prediction - decoded)[coded]).sum()
    return transforms.satd((output - decoded)[coded]).sum() / plain.clamp(min=1)


def descend(net: nn.Module, loss: Tensor, learning_rate: float) -> None:
    """One step of gradient descent on the weights of `net`, in place."""
    parameters = list(net.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter -= learning_rate * gradient.sign()


# === descend_climbs
# Up the gradient.
# fails: steps_of_gradient_descent


# %% learning
def learning_loss(output: Tensor, prediction: Tensor, decoded: Tensor, levels: Tensor) -> Tensor | None:
    """The loss of one front, all four (K, n, n): a scalar with a gradient in `output`; None where no block counts."""
    coded = levels.flatten(1).any(dim=1)  # (K,)
    if not coded.any():
        return None
    plain = transforms.satd((prediction - decoded)[coded]).sum()
    return transforms.satd((output - decoded)[coded]).sum() / plain.clamp(min=1)


def descend(net: nn.Module, loss: Tensor, learning_rate: float) -> None:
    """One step of gradient descent on the weights of `net`, in place."""
    parameters = list(net.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter += learning_rate * gradient


# === descend_not_in_place
# New tensors, and the network keeps the old.
# fails: steps_of_gradient_descent


# %% learning
def learning_loss(output: Tensor, prediction: Tensor, decoded: Tensor, levels: Tensor) -> Tensor | None:
    """The loss of one front, all four (K, n, n): a scalar with a gradient in `output`; None where no block counts."""
    coded = levels.flatten(1).any(dim=1)  # (K,)
    if not coded.any():
        return None
    plain = transforms.satd((prediction - decoded)[coded]).sum()
    return transforms.satd((output - decoded)[coded]).sum() / plain.clamp(min=1)


def descend(net: nn.Module, loss: Tensor, learning_rate: float) -> None:
    """One step of gradient descent on the weights of `net`, in place."""
    parameters = list(net.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter = parameter - learning_rate * gradient


# === descend_with_a_clip
# Gradients longer than 1 are shortened.
# fails: steps_of_gradient_descent


# %% learning
def learning_loss(output: Tensor, prediction: Tensor, decoded: Tensor, levels: Tensor) -> Tensor | None:
    """The loss of one front, all four (K, n, n): a scalar with a gradient in `output`; None where no block counts."""
    coded = levels.flatten(1).any(dim=1)  # (K,)
    if not coded.any():
        return None
    plain = transforms.satd((prediction - decoded)[coded]).sum()
    return transforms.satd((output - decoded)[coded]).sum() / plain.clamp(min=1)


def descend(net: nn.Module, loss: Tensor, learning_rate: float) -> None:
    """One step of gradient descent on the weights of `net`, in place."""
    parameters = list(net.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    length = torch.stack([gradient.norm() for gradient in gradients]).norm()
    gradients = [gradient / max(1.0, length.item()) for gradient in gradients]
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter -= learning_rate * gradient


# === descend_without_biases
# Only weights with more than one dimension move.
# fails: steps_of_gradient_descent


# %% learning
def learning_loss(output: Tensor, prediction: Tensor, decoded: Tensor, levels: Tensor) -> Tensor | None:
    """The loss of one front, all four (K, n, n): a scalar with a gradient in `output`; None where no block counts."""
    coded = levels.flatten(1).any(dim=1)  # (K,)
    if not coded.any():
        return None
    plain = transforms.satd((prediction - decoded)[coded]).sum()
    return transforms.satd((output - decoded)[coded]).sum() / plain.clamp(min=1)


def descend(net: nn.Module, loss: Tensor, learning_rate: float) -> None:
    """One step of gradient descent on the weights of `net`, in place."""
    parameters = list(net.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            if parameter.ndim > 1:
                parameter -= learning_rate * gradient


# === filter_always_controls
# A control group even where none is wanted.
# fails: filters_without_a_gate


# %% filter
class OnlineFilter:
    """A filter of predictions that is on while it pays off, and learns. Attributes: `net`, `gate`."""

    def __init__(
        self, first: nn.Module, threshold: float = -0.02, learning_rate: float = 0.0, control: bool = True
    ) -> None:
        self.first, self.threshold, self.learning_rate, self.control = first, threshold, learning_rate, control

    def start(self, qp: int) -> None:
        """A new picture begins."""
        self.qp = qp
        self.net = copy.deepcopy(self.first)
        self.gate = Gate(self.threshold)

    def filter(self, canvas: Tensor, front: Tensor, prediction: Tensor) -> Tensor:
        """What is coded from: (K, n, n) int64 in [0, 255]."""
        self.prediction = prediction
        with torch.set_grad_enabled(self.learning_rate > 0):
            self.output = self.net(*surroundings(canvas, front, prediction), self.qp)
        self.filtered = self.output.detach().round().long().clamp(0, 255)
        self.on = torch.full((len(front),), self.gate.is_open)
        self.on ^= control_group(front)
        return torch.where(self.on[:, None, None], self.filtered, prediction)

    def learn(self, decoded: Tensor, levels: Tensor) -> None:
        """The front is decoded: both (K, n, n) int64."""
        if self.learning_rate > 0:
            loss = learning_loss(self.output, self.prediction, decoded, levels)
            if loss is not None:
                descend(self.net, loss, self.learning_rate)
        errors = [transforms.satd(each - decoded) for each in (self.filtered, self.prediction)]
        self.gate.update(self.on, *errors)


# === filter_at_one_qp
# The network hears of QP 32, whatever it is.
# fails: filters_with_a_control_group


# %% filter
class OnlineFilter:
    """A filter of predictions that is on while it pays off, and learns. Attributes: `net`, `gate`."""

    def __init__(
        self, first: nn.Module, threshold: float = -0.02, learning_rate: float = 0.0, control: bool = True
    ) -> None:
        self.first, self.threshold, self.learning_rate, self.control = first, threshold, learning_rate, control

    def start(self, qp: int) -> None:
        """A new picture begins."""
        self.qp = 32
        self.net = copy.deepcopy(self.first)
        self.gate = Gate(self.threshold)

    def filter(self, canvas: Tensor, front: Tensor, prediction: Tensor) -> Tensor:
        """What is coded from: (K, n, n) int64 in [0, 255]."""
        self.prediction = prediction
        with torch.set_grad_enabled(self.learning_rate > 0):
            self.output = self.net(*surroundings(canvas, front, prediction), self.qp)
        self.filtered = self.output.detach().round().long().clamp(0, 255)
        self.on = torch.full((len(front),), self.gate.is_open)
        if self.control:
            self.on ^= control_group(front)
        return torch.where(self.on[:, None, None], self.filtered, prediction)

    def learn(self, decoded: Tensor, levels: Tensor) -> None:
        """The front is decoded: both (K, n, n) int64."""
        if self.learning_rate > 0:
            loss = learning_loss(self.output, self.prediction, decoded, levels)
            if loss is not None:
                descend(self.net, loss, self.learning_rate)
        errors = [transforms.satd(each - decoded) for each in (self.filtered, self.prediction)]
        self.gate.update(self.on, *errors)


# === filter_controls_only_when_open
# The control group is never filtered: a closed gate stays closed.
# fails: filters_with_a_control_group


# %% filter
class OnlineFilter:
    """A filter of predictions that is on while it pays off, and learns. Attributes: `net`, `gate`."""

    def __init__(
        self, first: nn.Module, threshold: float = -0.02, learning_rate: float = 0.0, control: bool = True
    ) -> None:
        self.first, self.threshold, self.learning_rate, self.control = first, threshold, learning_rate, control

    def start(self, qp: int) -> None:
        """A new picture begins."""
        self.qp = qp
        self.net = copy.deepcopy(self.first)
        self.gate = Gate(self.threshold)

    def filter(self, canvas: Tensor, front: Tensor, prediction: Tensor) -> Tensor:
        """What is coded from: (K, n, n) int64 in [0, 255]."""
        self.prediction = prediction
        with torch.set_grad_enabled(self.learning_rate > 0):
            self.output = self.net(*surroundings(canvas, front, prediction), self.qp)
        self.filtered = self.output.detach().round().long().clamp(0, 255)
        self.on = torch.full((len(front),), self.gate.is_open)
        if self.control:
            self.on &= ~control_group(front)
        return torch.where(self.on[:, None, None], self.filtered, prediction)

    def learn(self, decoded: Tensor, levels: Tensor) -> None:
        """The front is decoded: both (K, n, n) int64."""
        if self.learning_rate > 0:
            loss = learning_loss(self.output, self.prediction, decoded, levels)
            if loss is not None:
                descend(self.net, loss, self.learning_rate)
        errors = [transforms.satd(each - decoded) for each in (self.filtered, self.prediction)]
        self.gate.update(self.on, *errors)


# === filter_cuts_off
# Truncated to whole numbers, not rounded.
# fails: filters_without_a_gate


# %% filter
class OnlineFilter:
    """A filter of predictions that is on while it pays off, and learns. Attributes: `net`, `gate`."""

    def __init__(
        self, first: nn.Module, threshold: float = -0.02, learning_rate: float = 0.0, control: bool = True
    ) -> None:
        self.first, self.threshold, self.learning_rate, self.control = first, threshold, learning_rate, control

    def start(self, qp: int) -> None:
        """A new picture begins."""
        self.qp = qp
        self.net = copy.deepcopy(self.first)
        self.gate = Gate(self.threshold)

    def filter(self, canvas: Tensor, front: Tensor, prediction: Tensor) -> Tensor:
        """What is coded from: (K, n, n) int64 in [0, 255]."""
        self.prediction = prediction
        with torch.set_grad_enabled(self.learning_rate > 0):
            self.output = self.net(*surroundings(canvas, front, prediction), self.qp)
        self.filtered = self.output.detach().long().clamp(0, 255)
        self.on = torch.full((len(front),), self.gate.is_open)
        if self.control:
            self.on ^= control_group(front)
        return torch.where(self.on[:, None, None], self.filtered, prediction)

    def learn(self, decoded: Tensor, levels: Tensor) -> None:
        """The front is decoded: both (K, n, n) int64."""
        if self.learning_rate > 0:
            loss = learning_loss(self.output, self.prediction, decoded, levels)
            if loss is not None:
                descend(self.net, loss, self.learning_rate)
        errors = [transforms.satd(each - decoded) for each in (self.filtered, self.prediction)]
        self.gate.update(self.on, *errors)


# === filter_ignores_the_gate
# Always on, but for the control group.
# fails: filters_with_a_control_group


# %% filter
class OnlineFilter:
    """A filter of predictions that is on while it pays off, and learns. Attributes: `net`, `gate`."""

    def __init__(
        self, first: nn.Module, threshold: float = -0.02, learning_rate: float = 0.0, control: bool = True
    ) -> None:
        self.first, self.threshold, self.learning_rate, self.control = first, threshold, learning_rate, control

    def start(self, qp: int) -> None:
        """A new picture begins."""
        self.qp = qp
        self.net = copy.deepcopy(self.first)
        self.gate = Gate(self.threshold)

    def filter(self, canvas: Tensor, front: Tensor, prediction: Tensor) -> Tensor:
        """What is coded from: (K, n, n) int64 in [0, 255]."""
        self.prediction = prediction
        with torch.set_grad_enabled(self.learning_rate > 0):
            self.output = self.net(*surroundings(canvas, front, prediction), self.qp)
        self.filtered = self.output.detach().round().long().clamp(0, 255)
        self.on = torch.full((len(front),), True)
        if self.control:
            self.on ^= control_group(front)
        return torch.where(self.on[:, None, None], self.filtered, prediction)

    def learn(self, decoded: Tensor, levels: Tensor) -> None:
        """The front is decoded: both (K, n, n) int64."""
        if self.learning_rate > 0:
            loss = learning_loss(self.output, self.prediction, decoded, levels)
            if loss is not None:
                descend(self.net, loss, self.learning_rate)
        errors = [transforms.satd(each - decoded) for each in (self.filtered, self.prediction)]
        self.gate.update(self.on, *errors)


# === filter_is_copied_once
# The copy is made once, and the next picture goes on with it.
# fails: filters_that_learn


# %% filter
class OnlineFilter:
    """A filter of predictions that is on while it pays off, and learns. Attributes: `net`, `gate`."""

    def __init__(
        self, first: nn.Module, threshold: float = -0.02, learning_rate: float = 0.0, control: bool = True
    ) -> None:
        self.first, self.threshold, self.learning_rate, self.control = first, threshold, learning_rate, control
        self.net = copy.deepcopy(self.first)

    def start(self, qp: int) -> None:
        """A new picture begins."""
        self.qp = qp
        self.gate = Gate(self.threshold)

    def filter(self, canvas: Tensor, front: Tensor, prediction: Tensor) -> Tensor:
        """What is coded from: (K, n, n) int64 in [0, 255]."""
        self.prediction = prediction
        with torch.set_grad_enabled(self.learning_rate > 0):
            self.output = self.net(*surroundings(canvas, front, prediction), self.qp)
        self.filtered = self.output.detach().round().long().clamp(0, 255)
        self.on = torch.full((len(front),), self.gate.is_open)
        if self.control:
            self.on ^= control_group(front)
        return torch.where(self.on[:, None, None], self.filtered, prediction)

    def learn(self, decoded: Tensor, levels: Tensor) -> None:
        """The front is decoded: both (K, n, n) int64."""
        if self.learning_rate > 0:
            loss = learning_loss(self.output, self.prediction, decoded, levels)
            if loss is not None:
                descend(self.net, loss, self.learning_rate)
        errors = [transforms.satd(each - decoded) for each in (self.filtered, self.prediction)]
        self.gate.update(self.on, *errors)


# === filter_judges_after_the_step
# The gate hears of the network after the step, not of what was filtered.
# fails: filters_that_learn


# %% filter
class OnlineFilter:
    """A filter of predictions that is on while it pays off, and learns. Attributes: `net`, `gate`."""

    def __init__(
        self, first: nn.Module, threshold: float = -0.02, learning_rate: float = 0.0, control: bool = True
    ) -> None:
        self.first, self.threshold, self.learning_rate, self.control = first, threshold, learning_rate, control

    def start(self, qp: int) -> None:
        """A new picture begins."""
        self.qp = qp
        self.net = copy.deepcopy(self.first)
        self.gate = Gate(self.threshold)

    def filter(self, canvas: Tensor, front: Tensor, prediction: Tensor) -> Tensor:
        """What is coded from: (K, n, n) int64 in [0, 255]."""
        self.prediction, self.seen = prediction, surroundings(canvas, front, prediction)
        with torch.set_grad_enabled(self.learning_rate > 0):
            self.output = self.net(*surroundings(canvas, front, prediction), self.qp)
        self.filtered = self.output.detach().round().long().clamp(0, 255)
        self.on = torch.full((len(front),), self.gate.is_open)
        if self.control:
            self.on ^= control_group(front)
        return torch.where(self.on[:, None, None], self.filtered, prediction)

    def learn(self, decoded: Tensor, levels: Tensor) -> None:
        """The front is decoded: both (K, n, n) int64."""
        if self.learning_rate > 0:
            loss = learning_loss(self.output, self.prediction, decoded, levels)
            if loss is not None:
                descend(self.net, loss, self.learning_rate)
        with torch.no_grad():
            self.filtered = self.net(*self.seen, self.qp).round().long().clamp(0, 255)
        errors = [transforms.satd(each - decoded) for each in (self.filtered, self.prediction)]
        self.gate.update(self.on, *errors)


# === filter_judges_by_what_was_coded
# The gate gets the prediction that was used, filtered or not.
# fails: filters_with_a_control_group


# %% filter
class OnlineFilter:
    """A filter of predictions that is on while it pays off, and learns. Attributes: `net`, `gate`."""

    def __init__(
        self, first: nn.Module, threshold: float = -0.02, learning_rate: float = 0.0, control: bool = True
    ) -> None:
        self.first, self.threshold, self.learning_rate, self.control = first, threshold, learning_rate, control

    def start(self, qp: int) -> None:
        """A new picture begins."""
        self.qp = qp
        self.net = copy.deepcopy(self.first)
        self.gate = Gate(self.threshold)

    def filter(self, canvas: Tensor, front: Tensor, prediction: Tensor) -> Tensor:
        """What is coded from: (K, n, n) int64 in [0, 255]."""
        self.prediction = prediction
        with torch.set_grad_enabled(self.learning_rate > 0):
            self.output = self.net(*surroundings(canvas, front, prediction), self.qp)
        self.filtered = self.output.detach().round().long().clamp(0, 255)
        self.on = torch.full((len(front),), self.gate.is_open)
        if self.control:
            self.on ^= control_group(front)
        self.filtered = torch.where(self.on[:, None, None], self.filtered, prediction)
        return self.filtered

    def learn(self, decoded: Tensor, levels: Tensor) -> None:
        """The front is decoded: both (K, n, n) int64."""
        if self.learning_rate > 0:
            loss = learning_loss(self.output, self.prediction, decoded, levels)
            if loss is not None:
                descend(self.net, loss, self.learning_rate)
        errors = [transforms.satd(each - decoded) for each in (self.filtered, self.prediction)]
        self.gate.update(self.on, *errors)


# === filter_keeps_its_gate
# The gate is made once, and remembers the picture before.
# fails: filters_with_a_control_group


# %% filter
class OnlineFilter:
    """A filter of predictions that is on while it pays off, and learns. Attributes: `net`, `gate`."""

    def __init__(
        self, first: nn.Module, threshold: float = -0.02, learning_rate: float = 0.0, control: bool = True
    ) -> None:
        self.first, self.threshold, self.learning_rate, self.control = first, threshold, learning_rate, control
        self.gate = Gate(threshold)

    def start(self, qp: int) -> None:
        """A new picture begins."""
        self.qp = qp
        self.net = copy.deepcopy(self.first)

    def filter(self, canvas: Tensor, front: Tensor, prediction: Tensor) -> Tensor:
        """What is coded from: (K, n, n) int64 in [0, 255]."""
        self.prediction = prediction
        with torch.set_grad_enabled(self.learning_rate > 0):
            self.output = self.net(*surroundings(canvas, front, prediction), self.qp)
        self.filtered = self.output.detach().round().long().clamp(0, 255)
        self.on = torch.full((len(front),), self.gate.is_open)
        if self.control:
            self.on ^= control_group(front)
        return torch.where(self.on[:, None, None], self.filtered, prediction)

    def learn(self, decoded: Tensor, levels: Tensor) -> None:
        """The front is decoded: both (K, n, n) int64."""
        if self.learning_rate > 0:
            loss = learning_loss(self.output, self.prediction, decoded, levels)
            if loss is not None:
                descend(self.net, loss, self.learning_rate)
        errors = [transforms.satd(each - decoded) for each in (self.filtered, self.prediction)]
        self.gate.update(self.on, *errors)


# === filter_learns_from_rounded
# The loss gets what was rounded: nothing to derive.
# fails: filters_that_learn


# %% filter
class OnlineFilter:
    """A filter of predictions that is on while it pays off, and learns. Attributes: `net`, `gate`."""

    def __init__(
        self, first: nn.Module, threshold: float = -0.02, learning_rate: float = 0.0, control: bool = True
    ) -> None:
        self.first, self.threshold, self.learning_rate, self.control = first, threshold, learning_rate, control

    def start(self, qp: int) -> None:
        """A new picture begins."""
        self.qp = qp
        self.net = copy.deepcopy(self.first)
        self.gate = Gate(self.threshold)

    def filter(self, canvas: Tensor, front: Tensor, prediction: Tensor) -> Tensor:
        """What is coded from: (K, n, n) int64 in [0, 255]."""
        self.prediction = prediction
        with torch.set_grad_enabled(self.learning_rate > 0):
            self.output = self.net(*surroundings(canvas, front, prediction), self.qp)
        self.filtered = self.output.detach().round().long().clamp(0, 255)
        self.on = torch.full((len(front),), self.gate.is_open)
        if self.control:
            self.on ^= control_group(front)
        return torch.where(self.on[:, None, None], self.filtered, prediction)

    def learn(self, decoded: Tensor, levels: Tensor) -> None:
        """The front is decoded: both (K, n, n) int64."""
        if self.learning_rate > 0:
            loss = learning_loss(self.filtered.to(self.output.dtype).requires_grad_(), self.prediction, decoded, levels)
            if loss is not None:
                descend(self.net, loss, self.learning_rate)
        errors = [transforms.satd(each - decoded) for each in (self.filtered, self.prediction)]
        self.gate.update(self.on, *errors)


# === filter_learns_only_when_open
# It learns only while the gate is open.
# fails: filters_that_learn


# %% filter
class OnlineFilter:
    """A filter of predictions that is on while it pays off, and learns. Attributes: `net`, `gate`."""

    def __init__(
        self, first: nn.Module, threshold: float = -0.02, learning_rate: float = 0.0, control: bool = True
    ) -> None:
        self.first, self.threshold, self.learning_rate, self.control = first, threshold, learning_rate, control

    def start(self, qp: int) -> None:
        """A new picture begins."""
        self.qp = qp
        self.net = copy.deepcopy(self.first)
        self.gate = Gate(self.threshold)

    def filter(self, canvas: Tensor, front: Tensor, prediction: Tensor) -> Tensor:
        """What is coded from: (K, n, n) int64 in [0, 255]."""
        self.prediction = prediction
        with torch.set_grad_enabled(self.learning_rate > 0):
            self.output = self.net(*surroundings(canvas, front, prediction), self.qp)
        self.filtered = self.output.detach().round().long().clamp(0, 255)
        self.on = torch.full((len(front),), self.gate.is_open)
        if self.control:
            self.on ^= control_group(front)
        return torch.where(self.on[:, None, None], self.filtered, prediction)

    def learn(self, decoded: Tensor, levels: Tensor) -> None:
        """The front is decoded: both (K, n, n) int64."""
        if self.learning_rate > 0 and self.gate.is_open:
            loss = learning_loss(self.output, self.prediction, decoded, levels)
            if loss is not None:
                descend(self.net, loss, self.learning_rate)
        errors = [transforms.satd(each - decoded) for each in (self.filtered, self.prediction)]
        self.gate.update(self.on, *errors)


# === filter_swaps_errors
# The plain error where the filtered one belongs.
# fails: filters_with_a_control_group


# %% filter
class OnlineFilter:
    """A filter of predictions that is on while it pays off, and learns. Attributes: `net`, `gate`."""

    def __init__(
        self, first: nn.Module, threshold: float = -0.02, learning_rate: float = 0.0, control: bool = True
    ) -> None:
        self.first, self.threshold, self.learning_rate, self.control = first, threshold, learning_rate, control

    def start(self, qp: int) -> None:
        """A new picture begins."""
        self.qp = qp
        self.net = copy.deepcopy(self.first)
        self.gate = Gate(self.threshold)

    def filter(self, canvas: Tensor, front: Tensor, prediction: Tensor) -> Tensor:
        """What is coded from: (K, n, n) int64 in [0, 255]."""
        self.prediction = prediction
        with torch.set_grad_enabled(self.learning_rate > 0):
            self.output = self.net(*surroundings(canvas, front, prediction), self.qp)
        self.filtered = self.output.detach().round().long().clamp(0, 255)
        self.on = torch.full((len(front),), self.gate.is_open)
        if self.control:
            self.on ^= control_group(front)
        return torch.where(self.on[:, None, None], self.filtered, prediction)

    def learn(self, decoded: Tensor, levels: Tensor) -> None:
        """The front is decoded: both (K, n, n) int64."""
        if self.learning_rate > 0:
            loss = learning_loss(self.output, self.prediction, decoded, levels)
            if loss is not None:
                descend(self.net, loss, self.learning_rate)
        errors = [transforms.satd(each - decoded) for each in (self.prediction, self.filtered)]
        self.gate.update(self.on, *errors)


# === filter_trains_what_was_given
# No copy: the first weights learn.
# fails: filters_that_learn


# %% filter
class OnlineFilter:
    """A filter of predictions that is on while it pays off, and learns. Attributes: `net`, `gate`."""

    def __init__(
        self, first: nn.Module, threshold: float = -0.02, learning_rate: float = 0.0, control: bool = True
    ) -> None:
        self.first, self.threshold, self.learning_rate, self.control = first, threshold, learning_rate, control

    def start(self, qp: int) -> None:
        """A new picture begins."""
        self.qp = qp
        self.net = self.first
        self.gate = Gate(self.threshold)

    def filter(self, canvas: Tensor, front: Tensor, prediction: Tensor) -> Tensor:
        """What is coded from: (K, n, n) int64 in [0, 255]."""
        self.prediction = prediction
        with torch.set_grad_enabled(self.learning_rate > 0):
            self.output = self.net(*surroundings(canvas, front, prediction), self.qp)
        self.filtered = self.output.detach().round().long().clamp(0, 255)
        self.on = torch.full((len(front),), self.gate.is_open)
        if self.control:
            self.on ^= control_group(front)
        return torch.where(self.on[:, None, None], self.filtered, prediction)

    def learn(self, decoded: Tensor, levels: Tensor) -> None:
        """The front is decoded: both (K, n, n) int64."""
        if self.learning_rate > 0:
            loss = learning_loss(self.output, self.prediction, decoded, levels)
            if loss is not None:
                descend(self.net, loss, self.learning_rate)
        errors = [transforms.satd(each - decoded) for each in (self.filtered, self.prediction)]
        self.gate.update(self.on, *errors)


# === filter_without_a_control_group
# Nobody is treated the other way.
# fails: filters_with_a_control_group


# %% filter
class OnlineFilter:
    """A filter of predictions that is on while it pays off, and learns. Attributes: `net`, `gate`."""

    def __init__(
        self, first: nn.Module, threshold: float = -0.02, learning_rate: float = 0.0, control: bool = True
    ) -> None:
        self.first, self.threshold, self.learning_rate, self.control = first, threshold, learning_rate, control

    def start(self, qp: int) -> None:
        """A new picture begins."""
        self.qp = qp
        self.net = copy.deepcopy(self.first)
        self.gate = Gate(self.threshold)

    def filter(self, canvas: Tensor, front: Tensor, prediction: Tensor) -> Tensor:
        """What is coded from: (K, n, n) int64 in [0, 255]."""
        self.prediction = prediction
        with torch.set_grad_enabled(self.learning_rate > 0):
            self.output = self.net(*surroundings(canvas, front, prediction), self.qp)
        self.filtered = self.output.detach().round().long().clamp(0, 255)
        self.on = torch.full((len(front),), self.gate.is_open)
        if self.control:
            pass
        return torch.where(self.on[:, None, None], self.filtered, prediction)

    def learn(self, decoded: Tensor, levels: Tensor) -> None:
        """The front is decoded: both (K, n, n) int64."""
        if self.learning_rate > 0:
            loss = learning_loss(self.output, self.prediction, decoded, levels)
            if loss is not None:
                descend(self.net, loss, self.learning_rate)
        errors = [transforms.satd(each - decoded) for each in (self.filtered, self.prediction)]
        self.gate.update(self.on, *errors)


# === filter_wraps_round
# Not clamped to pixels.
# fails: filters_without_a_gate


# %% filter
class OnlineFilter:
    """A filter of predictions that is on while it pays off, and learns. Attributes: `net`, `gate`."""

    def __init__(
        self, first: nn.Module, threshold: float = -0.02, learning_rate: float = 0.0, control: bool = True
    ) -> None:
        self.first, self.threshold, self.learning_rate, self.control = first, threshold, learning_rate, control

    def start(self, qp: int) -> None:
        """A new picture begins."""
        self.qp = qp
        self.net = copy.deepcopy(self.first)
        self.gate = Gate(self.threshold)

    def filter(self, canvas: Tensor, front: Tensor, prediction: Tensor) -> Tensor:
        """What is coded from: (K, n, n) int64 in [0, 255]."""
        self.prediction = prediction
        with torch.set_grad_enabled(self.learning_rate > 0):
            self.output = self.net(*surroundings(canvas, front, prediction), self.qp)
        self.filtered = self.output.detach().round().long() % 256
        self.on = torch.full((len(front),), self.gate.is_open)
        if self.control:
            self.on ^= control_group(front)
        return torch.where(self.on[:, None, None], self.filtered, prediction)

    def learn(self, decoded: Tensor, levels: Tensor) -> None:
        """The front is decoded: both (K, n, n) int64."""
        if self.learning_rate > 0:
            loss = learning_loss(self.output, self.prediction, decoded, levels)
            if loss is not None:
                descend(self.net, loss, self.learning_rate)
        errors = [transforms.satd(each - decoded) for each in (self.filtered, self.prediction)]
        self.gate.update(self.on, *errors)


# === gate_closes_at_the_threshold
# A balance that equals the threshold closes it.
# fails: thresholds_of_gates

# %% gate
PRIOR = 500.0


def control_group(front: Tensor) -> Tensor:
    """Which blocks of a front (K, 2) are treated the other way: (K,) bool."""
    return (front[:, 0] - front[:, 1]) % 8 == 0


class Gate:
    """Open while the filter has paid off. Attributes: `is_open`, a bool, and `balance`, a float that starts at 0."""

    def __init__(self, threshold: float, memory: float = 0.99) -> None:
        self.threshold, self.memory = threshold, memory
        self.sums = torch.full((2, 2), PRIOR, dtype=torch.float64)  # coded with, without the filter; F, P
        self.balance, self.is_open = 0.0, True

    def update(self, on: Tensor, filtered: Tensor, plain: Tensor) -> None:
        """One front: which blocks were coded with the filter (K,) bool, and both SATDs to the decoded blocks (K,)."""
        new = torch.stack([torch.stack([filtered[group].sum(), plain[group].sum()]) for group in (on, ~on)])
        self.sums = self.memory * self.sums + new
        self.balance = (self.sums[:, 0] / self.sums[:, 1]).log().sum().item()
        self.is_open = self.balance < self.threshold


# === gate_counts_only_the_filtered
# Only blocks coded with the filter count: it trusts itself.
# fails: balances_of_fronts

# %% gate
PRIOR = 500.0


def control_group(front: Tensor) -> Tensor:
    """Which blocks of a front (K, 2) are treated the other way: (K,) bool."""
    return (front[:, 0] - front[:, 1]) % 8 == 0


class Gate:
    """Open while the filter has paid off. Attributes: `is_open`, a bool, and `balance`, a float that starts at 0."""

    def __init__(self, threshold: float, memory: float = 0.99) -> None:
        self.threshold, self.memory = threshold, memory
        self.sums = torch.full((2, 2), PRIOR, dtype=torch.float64)  # coded with, without the filter; F, P
        self.balance, self.is_open = 0.0, True

    def update(self, on: Tensor, filtered: Tensor, plain: Tensor) -> None:
        """One front: which blocks were coded with the filter (K,) bool, and both SATDs to the decoded blocks (K,)."""
        new = torch.stack([torch.stack([filtered[group].sum(), plain[group].sum()]) for group in (on, ~on)])
        self.sums = self.memory * self.sums + new
        self.balance = (self.sums[0, 0] / self.sums[0, 1]).log().item()
        self.is_open = self.balance <= self.threshold


# === gate_fades_afterwards
# The new errors fade at once.
# fails: balances_of_fronts

# %% gate
PRIOR = 500.0


def control_group(front: Tensor) -> Tensor:
    """Which blocks of a front (K, 2) are treated the other way: (K,) bool."""
    return (front[:, 0] - front[:, 1]) % 8 == 0


class Gate:
    """Open while the filter has paid off. Attributes: `is_open`, a bool, and `balance`, a float that starts at 0."""

    def __init__(self, threshold: float, memory: float = 0.99) -> None:
        self.threshold, self.memory = threshold, memory
        self.sums = torch.full((2, 2), PRIOR, dtype=torch.float64)  # coded with, without the filter; F, P
        self.balance, self.is_open = 0.0, True

    def update(self, on: Tensor, filtered: Tensor, plain: Tensor) -> None:
        """One front: which blocks were coded with the filter (K,) bool, and both SATDs to the decoded blocks (K,)."""
        new = torch.stack([torch.stack([filtered[group].sum(), plain[group].sum()]) for group in (on, ~on)])
        self.sums = self.memory * (self.sums + new)
        self.balance = (self.sums[:, 0] / self.sums[:, 1]).log().sum().item()
        self.is_open = self.balance <= self.threshold


# === gate_ignores_its_threshold
# Open where the balance is at most 0.
# fails: thresholds_of_gates

# %% gate
PRIOR = 500.0


def control_group(front: Tensor) -> Tensor:
    """Which blocks of a front (K, 2) are treated the other way: (K,) bool."""
    return (front[:, 0] - front[:, 1]) % 8 == 0


class Gate:
    """Open while the filter has paid off. Attributes: `is_open`, a bool, and `balance`, a float that starts at 0."""

    def __init__(self, threshold: float, memory: float = 0.99) -> None:
        self.threshold, self.memory = threshold, memory
        self.sums = torch.full((2, 2), PRIOR, dtype=torch.float64)  # coded with, without the filter; F, P
        self.balance, self.is_open = 0.0, True

    def update(self, on: Tensor, filtered: Tensor, plain: Tensor) -> None:
        """One front: which blocks were coded with the filter (K,) bool, and both SATDs to the decoded blocks (K,)."""
        new = torch.stack([torch.stack([filtered[group].sum(), plain[group].sum()]) for group in (on, ~on)])
        self.sums = self.memory * self.sums + new
        self.balance = (self.sums[:, 0] / self.sums[:, 1]).log().sum().item()
        self.is_open = self.balance <= 0


# === gate_memory_is_fixed
# The memory that is given is not used.
# fails: balances_of_fronts

# %% gate
PRIOR = 500.0


def control_group(front: Tensor) -> Tensor:
    """Which blocks of a front (K, 2) are treated the other way: (K,) bool."""
    return (front[:, 0] - front[:, 1]) % 8 == 0


class Gate:
    """Open while the filter has paid off. Attributes: `is_open`, a bool, and `balance`, a float that starts at 0."""

    def __init__(self, threshold: float, memory: float = 0.99) -> None:
        self.threshold, self.memory = threshold, 0.99
        self.sums = torch.full((2, 2), PRIOR, dtype=torch.float64)  # coded with, without the filter; F, P
        self.balance, self.is_open = 0.0, True

    def update(self, on: Tensor, filtered: Tensor, plain: Tensor) -> None:
        """One front: which blocks were coded with the filter (K,) bool, and both SATDs to the decoded blocks (K,)."""
        new = torch.stack([torch.stack([filtered[group].sum(), plain[group].sum()]) for group in (on, ~on)])
        self.sums = self.memory * self.sums + new
        self.balance = (self.sums[:, 0] / self.sums[:, 1]).log().sum().item()
        self.is_open = self.balance <= self.threshold


# === gate_never_opens_again
# Once closed, always closed.
# fails: balances_of_fronts

# %% gate
PRIOR = 500.0


def control_group(front: Tensor) -> Tensor:
    """Which blocks of a front (K, 2) are treated the other way: (K,) bool."""
    return (front[:, 0] - front[:, 1]) % 8 == 0


class Gate:
    """Open while the filter has paid off. Attributes: `is_open`, a bool, and `balance`, a float that starts at 0."""

    def __init__(self, threshold: float, memory: float = 0.99) -> None:
        self.threshold, self.memory = threshold, memory
        self.sums = torch.full((2, 2), PRIOR, dtype=torch.float64)  # coded with, without the filter; F, P
        self.balance, self.is_open = 0.0, True

    def update(self, on: Tensor, filtered: Tensor, plain: Tensor) -> None:
        """One front: which blocks were coded with the filter (K,) bool, and both SATDs to the decoded blocks (K,)."""
        new = torch.stack([torch.stack([filtered[group].sum(), plain[group].sum()]) for group in (on, ~on)])
        self.sums = self.memory * self.sums + new
        self.balance = (self.sums[:, 0] / self.sums[:, 1]).log().sum().item()
        self.is_open = self.is_open and self.balance <= self.threshold


# === gate_pools_the_groups
# One ratio over all blocks, so the larger group decides.
# fails: balances_of_fronts

# %% gate
PRIOR = 500.0


def control_group(front: Tensor) -> Tensor:
    """Which blocks of a front (K, 2) are treated the other way: (K,) bool."""
    return (front[:, 0] - front[:, 1]) % 8 == 0


class Gate:
    """Open while the filter has paid off. Attributes: `is_open`, a bool, and `balance`, a float that starts at 0."""

    def __init__(self, threshold: float, memory: float = 0.99) -> None:
        self.threshold, self.memory = threshold, memory
        self.sums = torch.full((2, 2), PRIOR, dtype=torch.float64)  # coded with, without the filter; F, P
        self.balance, self.is_open = 0.0, True

    def update(self, on: Tensor, filtered: Tensor, plain: Tensor) -> None:
        """One front: which blocks were coded with the filter (K,) bool, and both SATDs to the decoded blocks (K,)."""
        new = torch.stack([torch.stack([filtered[group].sum(), plain[group].sum()]) for group in (on, ~on)])
        self.sums = self.memory * self.sums + new
        self.balance = 2 * (self.sums[:, 0].sum() / self.sums[:, 1].sum()).log().item()
        self.is_open = self.balance <= self.threshold


# === gate_remembers_all
# Nothing fades.
# fails: balances_of_fronts

# %% gate
PRIOR = 500.0


def control_group(front: Tensor) -> Tensor:
    """Which blocks of a front (K, 2) are treated the other way: (K,) bool."""
    return (front[:, 0] - front[:, 1]) % 8 == 0


class Gate:
    """Open while the filter has paid off. Attributes: `is_open`, a bool, and `balance`, a float that starts at 0."""

    def __init__(self, threshold: float, memory: float = 0.99) -> None:
        self.threshold, self.memory = threshold, memory
        self.sums = torch.full((2, 2), PRIOR, dtype=torch.float64)  # coded with, without the filter; F, P
        self.balance, self.is_open = 0.0, True

    def update(self, on: Tensor, filtered: Tensor, plain: Tensor) -> None:
        """One front: which blocks were coded with the filter (K,) bool, and both SATDs to the decoded blocks (K,)."""
        new = torch.stack([torch.stack([filtered[group].sum(), plain[group].sum()]) for group in (on, ~on)])
        self.sums = self.sums + new
        self.balance = (self.sums[:, 0] / self.sums[:, 1]).log().sum().item()
        self.is_open = self.balance <= self.threshold


# === gate_starts_by_its_threshold
# A new gate with a negative threshold is closed.
# fails: thresholds_of_gates

# %% gate
PRIOR = 500.0


def control_group(front: Tensor) -> Tensor:
    """Which blocks of a front (K, 2) are treated the other way: (K,) bool."""
    return (front[:, 0] - front[:, 1]) % 8 == 0


class Gate:
    """Open while the filter has paid off. Attributes: `is_open`, a bool, and `balance`, a float that starts at 0."""

    def __init__(self, threshold: float, memory: float = 0.99) -> None:
        self.threshold, self.memory = threshold, memory
        self.sums = torch.full((2, 2), PRIOR, dtype=torch.float64)  # coded with, without the filter; F, P
        self.balance, self.is_open = 0.0, threshold >= 0

    def update(self, on: Tensor, filtered: Tensor, plain: Tensor) -> None:
        """One front: which blocks were coded with the filter (K,) bool, and both SATDs to the decoded blocks (K,)."""
        new = torch.stack([torch.stack([filtered[group].sum(), plain[group].sum()]) for group in (on, ~on)])
        self.sums = self.memory * self.sums + new
        self.balance = (self.sums[:, 0] / self.sums[:, 1]).log().sum().item()
        self.is_open = self.balance <= self.threshold


# === gate_starts_closed
# A new gate is closed.
# fails: balances_of_fronts

# %% gate
PRIOR = 500.0


def control_group(front: Tensor) -> Tensor:
    """Which blocks of a front (K, 2) are treated the other way: (K,) bool."""
    return (front[:, 0] - front[:, 1]) % 8 == 0


class Gate:
    """Open while the filter has paid off. Attributes: `is_open`, a bool, and `balance`, a float that starts at 0."""

    def __init__(self, threshold: float, memory: float = 0.99) -> None:
        self.threshold, self.memory = threshold, memory
        self.sums = torch.full((2, 2), PRIOR, dtype=torch.float64)  # coded with, without the filter; F, P
        self.balance, self.is_open = 0.0, False

    def update(self, on: Tensor, filtered: Tensor, plain: Tensor) -> None:
        """One front: which blocks were coded with the filter (K,) bool, and both SATDs to the decoded blocks (K,)."""
        new = torch.stack([torch.stack([filtered[group].sum(), plain[group].sum()]) for group in (on, ~on)])
        self.sums = self.memory * self.sums + new
        self.balance = (self.sums[:, 0] / self.sums[:, 1]).log().sum().item()
        self.is_open = self.balance <= self.threshold


# === gate_sums_start_at_one
# The first blocks decide alone.
# fails: balances_of_fronts

# %% gate
PRIOR = 1.0


def control_group(front: Tensor) -> Tensor:
    """Which blocks of a front (K, 2) are treated the other way: (K,) bool."""
    return (front[:, 0] - front[:, 1]) % 8 == 0


class Gate:
    """Open while the filter has paid off. Attributes: `is_open`, a bool, and `balance`, a float that starts at 0."""

    def __init__(self, threshold: float, memory: float = 0.99) -> None:
        self.threshold, self.memory = threshold, memory
        self.sums = torch.full((2, 2), PRIOR, dtype=torch.float64)  # coded with, without the filter; F, P
        self.balance, self.is_open = 0.0, True

    def update(self, on: Tensor, filtered: Tensor, plain: Tensor) -> None:
        """One front: which blocks were coded with the filter (K,) bool, and both SATDs to the decoded blocks (K,)."""
        new = torch.stack([torch.stack([filtered[group].sum(), plain[group].sum()]) for group in (on, ~on)])
        self.sums = self.memory * self.sums + new
        self.balance = (self.sums[:, 0] / self.sums[:, 1]).log().sum().item()
        self.is_open = self.balance <= self.threshold


# === gate_takes_averages
# An average of old and new, weighted by the memory.
# fails: balances_of_fronts

# %% gate
PRIOR = 500.0


def control_group(front: Tensor) -> Tensor:
    """Which blocks of a front (K, 2) are treated the other way: (K,) bool."""
    return (front[:, 0] - front[:, 1]) % 8 == 0


class Gate:
    """Open while the filter has paid off. Attributes: `is_open`, a bool, and `balance`, a float that starts at 0."""

    def __init__(self, threshold: float, memory: float = 0.99) -> None:
        self.threshold, self.memory = threshold, memory
        self.sums = torch.full((2, 2), PRIOR, dtype=torch.float64)  # coded with, without the filter; F, P
        self.balance, self.is_open = 0.0, True

    def update(self, on: Tensor, filtered: Tensor, plain: Tensor) -> None:
        """One front: which blocks were coded with the filter (K,) bool, and both SATDs to the decoded blocks (K,)."""
        new = torch.stack([torch.stack([filtered[group].sum(), plain[group].sum()]) for group in (on, ~on)])
        self.sums = self.memory * self.sums + (1 - self.memory) * new
        self.balance = (self.sums[:, 0] / self.sums[:, 1]).log().sum().item()
        self.is_open = self.balance <= self.threshold


# === gate_takes_means
# The mean of both logarithms in place of their sum.
# fails: balances_of_fronts

# %% gate
PRIOR = 500.0


def control_group(front: Tensor) -> Tensor:
    """Which blocks of a front (K, 2) are treated the other way: (K,) bool."""
    return (front[:, 0] - front[:, 1]) % 8 == 0


class Gate:
    """Open while the filter has paid off. Attributes: `is_open`, a bool, and `balance`, a float that starts at 0."""

    def __init__(self, threshold: float, memory: float = 0.99) -> None:
        self.threshold, self.memory = threshold, memory
        self.sums = torch.full((2, 2), PRIOR, dtype=torch.float64)  # coded with, without the filter; F, P
        self.balance, self.is_open = 0.0, True

    def update(self, on: Tensor, filtered: Tensor, plain: Tensor) -> None:
        """One front: which blocks were coded with the filter (K,) bool, and both SATDs to the decoded blocks (K,)."""
        new = torch.stack([torch.stack([filtered[group].sum(), plain[group].sum()]) for group in (on, ~on)])
        self.sums = self.memory * self.sums + new
        self.balance = (self.sums[:, 0] / self.sums[:, 1]).log().mean().item()
        self.is_open = self.balance <= self.threshold


# === gate_the_other_way
# Plain over filtered.
# fails: balances_of_fronts

# %% gate
PRIOR = 500.0


def control_group(front: Tensor) -> Tensor:
    """Which blocks of a front (K, 2) are treated the other way: (K,) bool."""
    return (front[:, 0] - front[:, 1]) % 8 == 0


class Gate:
    """Open while the filter has paid off. Attributes: `is_open`, a bool, and `balance`, a float that starts at 0."""

    def __init__(self, threshold: float, memory: float = 0.99) -> None:
        self.threshold, self.memory = threshold, memory
        self.sums = torch.full((2, 2), PRIOR, dtype=torch.float64)  # coded with, without the filter; F, P
        self.balance, self.is_open = 0.0, True

    def update(self, on: Tensor, filtered: Tensor, plain: Tensor) -> None:
        """One front: which blocks were coded with the filter (K,) bool, and both SATDs to the decoded blocks (K,)."""
        new = torch.stack([torch.stack([filtered[group].sum(), plain[group].sum()]) for group in (on, ~on)])
        self.sums = self.memory * self.sums + new
        self.balance = (self.sums[:, 1] / self.sums[:, 0]).log().sum().item()
        self.is_open = self.balance <= self.threshold


# === gate_without_logarithm
# Ratios less 1 in place of logarithms.
# fails: balances_of_fronts

# %% gate
PRIOR = 500.0


def control_group(front: Tensor) -> Tensor:
    """Which blocks of a front (K, 2) are treated the other way: (K,) bool."""
    return (front[:, 0] - front[:, 1]) % 8 == 0


class Gate:
    """Open while the filter has paid off. Attributes: `is_open`, a bool, and `balance`, a float that starts at 0."""

    def __init__(self, threshold: float, memory: float = 0.99) -> None:
        self.threshold, self.memory = threshold, memory
        self.sums = torch.full((2, 2), PRIOR, dtype=torch.float64)  # coded with, without the filter; F, P
        self.balance, self.is_open = 0.0, True

    def update(self, on: Tensor, filtered: Tensor, plain: Tensor) -> None:
        """One front: which blocks were coded with the filter (K,) bool, and both SATDs to the decoded blocks (K,)."""
        new = torch.stack([torch.stack([filtered[group].sum(), plain[group].sum()]) for group in (on, ~on)])
        self.sums = self.memory * self.sums + new
        self.balance = (self.sums[:, 0] / self.sums[:, 1] - 1).sum().item()
        self.is_open = self.balance <= self.threshold


# === loss_by_the_sum_of_levels
# Levels that add up to 0 count as none.
# fails: losses_of_fronts


# %% learning
def learning_loss(output: Tensor, prediction: Tensor, decoded: Tensor, levels: Tensor) -> Tensor | None:
    """The loss of one front, all four (K, n, n): a scalar with a gradient in `output`; None where no block counts."""
    coded = levels.flatten(1).sum(dim=1) > 0  # (K,)
    if not coded.any():
        return None
    plain = transforms.satd((prediction - decoded)[coded]).sum()
    return transforms.satd((output - decoded)[coded]).sum() / plain.clamp(min=1)


def descend(net: nn.Module, loss: Tensor, learning_rate: float) -> None:
    """One step of gradient descent on the weights of `net`, in place."""
    parameters = list(net.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter -= learning_rate * gradient


# === loss_divides_by_zero
# No limit for a perfect prediction.
# fails: losses_at_the_edge


# %% learning
def learning_loss(output: Tensor, prediction: Tensor, decoded: Tensor, levels: Tensor) -> Tensor | None:
    """The loss of one front, all four (K, n, n): a scalar with a gradient in `output`; None where no block counts."""
    coded = levels.flatten(1).any(dim=1)  # (K,)
    if not coded.any():
        return None
    plain = transforms.satd((prediction - decoded)[coded]).sum()
    return transforms.satd((output - decoded)[coded]).sum() / plain


def descend(net: nn.Module, loss: Tensor, learning_rate: float) -> None:
    """One step of gradient descent on the weights of `net`, in place."""
    parameters = list(net.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter -= learning_rate * gradient


# === loss_is_a_mean_of_ratios
# Each block's ratio, then the mean.
# fails: losses_of_fronts


# %% learning
def learning_loss(output: Tensor, prediction: Tensor, decoded: Tensor, levels: Tensor) -> Tensor | None:
    """The loss of one front, all four (K, n, n): a scalar with a gradient in `output`; None where no block counts."""
    coded = levels.flatten(1).any(dim=1)  # (K,)
    if not coded.any():
        return None
    plain = transforms.satd((prediction - decoded)[coded])
    return (transforms.satd((output - decoded)[coded]) / plain.clamp(min=1)).mean()


def descend(net: nn.Module, loss: Tensor, learning_rate: float) -> None:
    """One step of gradient descent on the weights of `net`, in place."""
    parameters = list(net.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter -= learning_rate * gradient


# === loss_is_detached
# The loss is a number without a graph.
# fails: gradients_of_losses


# %% learning
def learning_loss(output: Tensor, prediction: Tensor, decoded: Tensor, levels: Tensor) -> Tensor | None:
    """The loss of one front, all four (K, n, n): a scalar with a gradient in `output`; None where no block counts."""
    coded = levels.flatten(1).any(dim=1)  # (K,)
    if not coded.any():
        return None
    plain = transforms.satd((prediction - decoded)[coded]).sum()
    return (transforms.satd((output - decoded)[coded]).sum() / plain.clamp(min=1)).detach()


def descend(net: nn.Module, loss: Tensor, learning_rate: float) -> None:
    """One step of gradient descent on the weights of `net`, in place."""
    parameters = list(net.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter -= learning_rate * gradient


# === loss_not_relative
# Not divided by the plain prediction's error.
# fails: losses_of_fronts


# %% learning
def learning_loss(output: Tensor, prediction: Tensor, decoded: Tensor, levels: Tensor) -> Tensor | None:
    """The loss of one front, all four (K, n, n): a scalar with a gradient in `output`; None where no block counts."""
    coded = levels.flatten(1).any(dim=1)  # (K,)
    if not coded.any():
        return None
    return transforms.satd((output - decoded)[coded]).sum()


def descend(net: nn.Module, loss: Tensor, learning_rate: float) -> None:
    """One step of gradient descent on the weights of `net`, in place."""
    parameters = list(net.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter -= learning_rate * gradient


# === loss_of_all_blocks
# Blocks without a level count, too.
# fails: losses_of_fronts


# %% learning
def learning_loss(output: Tensor, prediction: Tensor, decoded: Tensor, levels: Tensor) -> Tensor | None:
    """The loss of one front, all four (K, n, n): a scalar with a gradient in `output`; None where no block counts."""
    coded = levels.flatten(1).any(dim=1)  # (K,)
    if not coded.any():
        return None
    plain = transforms.satd(prediction - decoded).sum()
    return transforms.satd(output - decoded).sum() / plain.clamp(min=1)


def descend(net: nn.Module, loss: Tensor, learning_rate: float) -> None:
    """One step of gradient descent on the weights of `net`, in place."""
    parameters = list(net.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter -= learning_rate * gradient


# === loss_of_positive_levels
# A block whose levels are all negative does not count.
# fails: losses_of_fronts


# %% learning
def learning_loss(output: Tensor, prediction: Tensor, decoded: Tensor, levels: Tensor) -> Tensor | None:
    """The loss of one front, all four (K, n, n): a scalar with a gradient in `output`; None where no block counts."""
    coded = (levels > 0).flatten(1).any(dim=1)  # (K,)
    if not coded.any():
        return None
    plain = transforms.satd((prediction - decoded)[coded]).sum()
    return transforms.satd((output - decoded)[coded]).sum() / plain.clamp(min=1)


def descend(net: nn.Module, loss: Tensor, learning_rate: float) -> None:
    """One step of gradient descent on the weights of `net`, in place."""
    parameters = list(net.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter -= learning_rate * gradient


# === loss_of_rounded_output
# Rounded first: no gradient comes through.
# fails: gradients_of_losses


# %% learning
def learning_loss(output: Tensor, prediction: Tensor, decoded: Tensor, levels: Tensor) -> Tensor | None:
    """The loss of one front, all four (K, n, n): a scalar with a gradient in `output`; None where no block counts."""
    coded = levels.flatten(1).any(dim=1)  # (K,)
    if not coded.any():
        return None
    plain = transforms.satd((prediction - decoded)[coded]).sum()
    return transforms.satd((output.round() - decoded)[coded]).sum() / plain.clamp(min=1)


def descend(net: nn.Module, loss: Tensor, learning_rate: float) -> None:
    """One step of gradient descent on the weights of `net`, in place."""
    parameters = list(net.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter -= learning_rate * gradient


# === loss_of_squares
# Squared errors in place of SATD.
# fails: losses_of_fronts


# %% learning
def learning_loss(output: Tensor, prediction: Tensor, decoded: Tensor, levels: Tensor) -> Tensor | None:
    """The loss of one front, all four (K, n, n): a scalar with a gradient in `output`; None where no block counts."""
    coded = levels.flatten(1).any(dim=1)  # (K,)
    if not coded.any():
        return None
    plain = (prediction - decoded)[coded].square().sum()
    return (output - decoded)[coded].square().sum() / plain.clamp(min=1)


def descend(net: nn.Module, loss: Tensor, learning_rate: float) -> None:
    """One step of gradient descent on the weights of `net`, in place."""
    parameters = list(net.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter -= learning_rate * gradient


# === loss_plus_one
# 1 is added in place of a limit.
# fails: losses_of_fronts


# %% learning
def learning_loss(output: Tensor, prediction: Tensor, decoded: Tensor, levels: Tensor) -> Tensor | None:
    """The loss of one front, all four (K, n, n): a scalar with a gradient in `output`; None where no block counts."""
    coded = levels.flatten(1).any(dim=1)  # (K,)
    if not coded.any():
        return None
    plain = transforms.satd((prediction - decoded)[coded]).sum()
    return transforms.satd((output - decoded)[coded]).sum() / (plain + 1)


def descend(net: nn.Module, loss: Tensor, learning_rate: float) -> None:
    """One step of gradient descent on the weights of `net`, in place."""
    parameters = list(net.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter -= learning_rate * gradient


# === loss_to_the_prediction
# The output is pulled to the plain prediction.
# fails: losses_of_fronts


# %% learning
def learning_loss(output: Tensor, prediction: Tensor, decoded: Tensor, levels: Tensor) -> Tensor | None:
    """The loss of one front, all four (K, n, n): a scalar with a gradient in `output`; None where no block counts."""
    coded = levels.flatten(1).any(dim=1)  # (K,)
    if not coded.any():
        return None
    plain = transforms.satd((prediction - decoded)[coded]).sum()
    return transforms.satd((output - prediction)[coded]).sum() / plain.clamp(min=1)


def descend(net: nn.Module, loss: Tensor, learning_rate: float) -> None:
    """One step of gradient descent on the weights of `net`, in place."""
    parameters = list(net.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter -= learning_rate * gradient


# === loss_zero_for_nothing
# 0 in place of None where no block has a level.
# fails: losses_at_the_edge


# %% learning
def learning_loss(output: Tensor, prediction: Tensor, decoded: Tensor, levels: Tensor) -> Tensor | None:
    """The loss of one front, all four (K, n, n): a scalar with a gradient in `output`; None where no block counts."""
    coded = levels.flatten(1).any(dim=1)  # (K,)
    if not coded.any():
        return torch.zeros((), requires_grad=True)
    plain = transforms.satd((prediction - decoded)[coded]).sum()
    return transforms.satd((output - decoded)[coded]).sum() / plain.clamp(min=1)


def descend(net: nn.Module, loss: Tensor, learning_rate: float) -> None:
    """One step of gradient descent on the weights of `net`, in place."""
    parameters = list(net.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter -= learning_rate * gradient


# === surroundings_all_exist
# All pixels are said to exist.
# fails: surroundings_at_the_border


# %% surroundings
def surroundings(canvas: Tensor, front: Tensor, prediction: Tensor) -> tuple[Tensor, Tensor]:
    """Canvas (H, W), front (K, 2) and prediction (K, n, n) to pixels (K, n + m, n + m) int64, and bool: which exist."""
    n = prediction.shape[-1]
    along = torch.arange(-MARGIN, n)
    y = front[:, :1] * n + along  # (K, n + m)
    x = front[:, 1:] * n + along
    inside = (y >= 0)[:, :, None] & (x >= 0)[:, None, :]  # (K, n + m, n + m)
    pixels = canvas[y.clamp(min=0)[:, :, None], x.clamp(min=0)[:, None, :]] * inside
    pixels[:, MARGIN:, MARGIN:] = prediction
    return pixels, torch.ones_like(inside)


# === surroundings_exist_or
# A pixel exists where its row or its column does.
# fails: surroundings_at_the_border


# %% surroundings
def surroundings(canvas: Tensor, front: Tensor, prediction: Tensor) -> tuple[Tensor, Tensor]:
    """Canvas (H, W), front (K, 2) and prediction (K, n, n) to pixels (K, n + m, n + m) int64, and bool: which exist."""
    n = prediction.shape[-1]
    along = torch.arange(-MARGIN, n)
    y = front[:, :1] * n + along  # (K, n + m)
    x = front[:, 1:] * n + along
    inside = (y >= 0)[:, :, None] | (x >= 0)[:, None, :]  # (K, n + m, n + m)
    pixels = canvas[y.clamp(min=0)[:, :, None], x.clamp(min=0)[:, None, :]] * inside
    pixels[:, MARGIN:, MARGIN:] = prediction
    return pixels, inside


# === surroundings_in_pixels
# The front taken as pixels, not blocks.
# fails: surroundings_inside_the_picture


# %% surroundings
def surroundings(canvas: Tensor, front: Tensor, prediction: Tensor) -> tuple[Tensor, Tensor]:
    """Canvas (H, W), front (K, 2) and prediction (K, n, n) to pixels (K, n + m, n + m) int64, and bool: which exist."""
    n = prediction.shape[-1]
    along = torch.arange(-MARGIN, n)
    y = front[:, :1] + along  # (K, n + m)
    x = front[:, 1:] + along
    inside = (y >= 0)[:, :, None] & (x >= 0)[:, None, :]  # (K, n + m, n + m)
    pixels = canvas[y.clamp(min=0)[:, :, None], x.clamp(min=0)[:, None, :]] * inside
    pixels[:, MARGIN:, MARGIN:] = prediction
    return pixels, inside


# === surroundings_margin_grows
# The margin is half a block.
# fails: surroundings_of_other_sizes


# %% surroundings
def surroundings(canvas: Tensor, front: Tensor, prediction: Tensor) -> tuple[Tensor, Tensor]:
    """Canvas (H, W), front (K, 2) and prediction (K, n, n) to pixels (K, n + m, n + m) int64, and bool: which exist."""
    n = prediction.shape[-1]
    margin = n // 2
    along = torch.arange(-margin, n)
    y = front[:, :1] * n + along  # (K, n + m)
    x = front[:, 1:] * n + along
    inside = (y >= 0)[:, :, None] & (x >= 0)[:, None, :]  # (K, n + m, n + m)
    pixels = canvas[y.clamp(min=0)[:, :, None], x.clamp(min=0)[:, None, :]] * inside
    pixels[:, margin:, margin:] = prediction
    return pixels, inside


# === surroundings_of_eight
# The block size is always 8.
# fails: surroundings_of_other_sizes


# %% surroundings
def surroundings(canvas: Tensor, front: Tensor, prediction: Tensor) -> tuple[Tensor, Tensor]:
    """Canvas (H, W), front (K, 2) and prediction (K, n, n) to pixels (K, n + m, n + m) int64, and bool: which exist."""
    n = 8
    along = torch.arange(-MARGIN, n)
    y = front[:, :1] * n + along  # (K, n + m)
    x = front[:, 1:] * n + along
    inside = (y >= 0)[:, :, None] & (x >= 0)[:, None, :]  # (K, n + m, n + m)
    pixels = canvas[y.clamp(min=0)[:, :, None], x.clamp(min=0)[:, None, :]] * inside
    pixels[:, MARGIN:, MARGIN:] = prediction
    return pixels, inside


# === surroundings_repeat_the_border
# Pixels outside the picture repeat the border in place of 0.
# fails: surroundings_at_the_border


# %% surroundings
def surroundings(canvas: Tensor, front: Tensor, prediction: Tensor) -> tuple[Tensor, Tensor]:
    """Canvas (H, W), front (K, 2) and prediction (K, n, n) to pixels (K, n + m, n + m) int64, and bool: which exist."""
    n = prediction.shape[-1]
    along = torch.arange(-MARGIN, n)
    y = front[:, :1] * n + along  # (K, n + m)
    x = front[:, 1:] * n + along
    inside = (y >= 0)[:, :, None] & (x >= 0)[:, None, :]  # (K, n + m, n + m)
    pixels = canvas[y.clamp(min=0)[:, :, None], x.clamp(min=0)[:, None, :]]
    pixels[:, MARGIN:, MARGIN:] = prediction
    return pixels, inside


# === surroundings_turned_around
# Rows and columns of the front in the other order.
# fails: surroundings_inside_the_picture


# %% surroundings
def surroundings(canvas: Tensor, front: Tensor, prediction: Tensor) -> tuple[Tensor, Tensor]:
    """Canvas (H, W), front (K, 2) and prediction (K, n, n) to pixels (K, n + m, n + m) int64, and bool: which exist."""
    n = prediction.shape[-1]
    along = torch.arange(-MARGIN, n)
    y = front[:, 1:] * n + along  # (K, n + m)
    x = front[:, :1] * n + along
    inside = (y >= 0)[:, :, None] & (x >= 0)[:, None, :]  # (K, n + m, n + m)
    pixels = canvas[y.clamp(min=0)[:, :, None], x.clamp(min=0)[:, None, :]] * inside
    pixels[:, MARGIN:, MARGIN:] = prediction
    return pixels, inside


# === surroundings_whole_blocks_missing
# A block in the first row or column has no neighbours; a smaller one behind it has all.
# fails: surroundings_of_other_sizes


# %% surroundings
def surroundings(canvas: Tensor, front: Tensor, prediction: Tensor) -> tuple[Tensor, Tensor]:
    """Canvas (H, W), front (K, 2) and prediction (K, n, n) to pixels (K, n + m, n + m) int64, and bool: which exist."""
    n = prediction.shape[-1]
    along = torch.arange(-MARGIN, n)
    y = front[:, :1] * n + along  # (K, n + m)
    x = front[:, 1:] * n + along
    inside = ((along >= 0) | (front[:, :1] > 0))[:, :, None] & ((along >= 0) | (front[:, 1:] > 0))[
        :, None, :
    ]  # (K, n + m, n + m)
    pixels = canvas[y.clamp(min=0)[:, :, None], x.clamp(min=0)[:, None, :]] * inside
    pixels[:, MARGIN:, MARGIN:] = prediction
    return pixels, inside


# === surroundings_without_the_prediction
# The canvas where the prediction should stand.
# fails: surroundings_inside_the_picture


# %% surroundings
def surroundings(canvas: Tensor, front: Tensor, prediction: Tensor) -> tuple[Tensor, Tensor]:
    """Canvas (H, W), front (K, 2) and prediction (K, n, n) to pixels (K, n + m, n + m) int64, and bool: which exist."""
    n = prediction.shape[-1]
    along = torch.arange(-MARGIN, n)
    y = front[:, :1] * n + along  # (K, n + m)
    x = front[:, 1:] * n + along
    inside = (y >= 0)[:, :, None] & (x >= 0)[:, None, :]  # (K, n + m, n + m)
    pixels = canvas[y.clamp(min=0)[:, :, None], x.clamp(min=0)[:, None, :]] * inside
    return pixels, inside


# === surroundings_wrap_round
# Negative places count from the other end of the canvas.
# fails: surroundings_at_the_border


# %% surroundings
def surroundings(canvas: Tensor, front: Tensor, prediction: Tensor) -> tuple[Tensor, Tensor]:
    """Canvas (H, W), front (K, 2) and prediction (K, n, n) to pixels (K, n + m, n + m) int64, and bool: which exist."""
    n = prediction.shape[-1]
    along = torch.arange(-MARGIN, n)
    y = front[:, :1] * n + along  # (K, n + m)
    x = front[:, 1:] * n + along
    inside = (y >= 0)[:, :, None] & (x >= 0)[:, None, :]  # (K, n + m, n + m)
    pixels = canvas[y[:, :, None], x[:, None, :]]
    pixels[:, MARGIN:, MARGIN:] = prediction
    return pixels, inside
