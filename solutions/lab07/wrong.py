"""Wrong answers to lab07: for each the hidden tests that must notice it, and the solution cells that it replaces."""


# === angle_for_one_batch_dimension
# samples[:, index]: right for (N, 4n + 1) only.
# fails: angles_in_every_batch


# %% angular
def angular(samples: Tensor, angle: int) -> Tensor:
    """Prediction from above at an angle of -32 to 32, from samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    x = torch.arange(n, device=samples.device)
    distance = (x[:, None] + 1) * angle  # (n, 1), one for each row
    whole, part = distance >> 5, distance & 31
    inverse = round(8192 / angle) if angle < 0 else 0

    def at(place: Tensor) -> Tensor:
        """The samples at places (n, n) of the line, 0 being the corner: (…, n, n)."""
        index = torch.where(place < 0, 2 * n - ((place * inverse + 128) >> 8), 2 * n + place)
        return samples[:, index.clamp(max=4 * n)]  # at 45° the very last one would lie outside; its weight is 0

    return ((32 - part) * at(x + whole + 1) + part * at(x + whole + 2) + 16) >> 5


# === angle_from_the_side
# Turned over: carried from the left.
# fails: angles_to_the_right, angles_to_the_left, straight_and_diagonal


# %% angular
def angular(samples: Tensor, angle: int) -> Tensor:
    """Prediction from above at an angle of -32 to 32, from samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    x = torch.arange(n, device=samples.device)
    distance = (x[:, None] + 1) * angle  # (n, 1), one for each row
    whole, part = distance >> 5, distance & 31
    inverse = round(8192 / angle) if angle < 0 else 0

    def at(place: Tensor) -> Tensor:
        """The samples at places (n, n) of the line, 0 being the corner: (…, n, n)."""
        index = torch.where(place < 0, 2 * n - ((place * inverse + 128) >> 8), 2 * n + place)
        return samples[..., index.clamp(max=4 * n)]  # at 45° the very last one would lie outside; its weight is 0

    return ((32 - part) * at(x + whole + 1) + part * at(x + whole + 2) + 16 >> 5).mT


# === angle_goes_on_one_by_one
# Beyond the corner the left samples come one by one, whatever the angle.
# fails: angles_to_the_left


# %% angular
def angular(samples: Tensor, angle: int) -> Tensor:
    """Prediction from above at an angle of -32 to 32, from samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    x = torch.arange(n, device=samples.device)
    distance = (x[:, None] + 1) * angle  # (n, 1), one for each row
    whole, part = distance >> 5, distance & 31
    round(8192 / angle) if angle < 0 else 0

    def at(place: Tensor) -> Tensor:
        """The samples at places (n, n) of the line, 0 being the corner: (…, n, n)."""
        index = torch.where(place < 0, 2 * n + place, 2 * n + place)
        return samples[..., index.clamp(max=4 * n)]  # at 45° the very last one would lie outside; its weight is 0

    return ((32 - part) * at(x + whole + 1) + part * at(x + whole + 2) + 16) >> 5


# === angle_inverse_is_rounded_down
# 8192 // angle.
# fails: angles_to_the_left


# %% angular
def angular(samples: Tensor, angle: int) -> Tensor:
    """Prediction from above at an angle of -32 to 32, from samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    x = torch.arange(n, device=samples.device)
    distance = (x[:, None] + 1) * angle  # (n, 1), one for each row
    whole, part = distance >> 5, distance & 31
    inverse = 8192 // angle if angle < 0 else 0

    def at(place: Tensor) -> Tensor:
        """The samples at places (n, n) of the line, 0 being the corner: (…, n, n)."""
        index = torch.where(place < 0, 2 * n - ((place * inverse + 128) >> 8), 2 * n + place)
        return samples[..., index.clamp(max=4 * n)]  # at 45° the very last one would lie outside; its weight is 0

    return ((32 - part) * at(x + whole + 1) + part * at(x + whole + 2) + 16) >> 5


# === angle_is_not_rounded
# Without the 16 before the shift.
# fails: angles_to_the_right, angles_to_the_left


# %% angular
def angular(samples: Tensor, angle: int) -> Tensor:
    """Prediction from above at an angle of -32 to 32, from samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    x = torch.arange(n, device=samples.device)
    distance = (x[:, None] + 1) * angle  # (n, 1), one for each row
    whole, part = distance >> 5, distance & 31
    inverse = round(8192 / angle) if angle < 0 else 0

    def at(place: Tensor) -> Tensor:
        """The samples at places (n, n) of the line, 0 being the corner: (…, n, n)."""
        index = torch.where(place < 0, 2 * n - ((place * inverse + 128) >> 8), 2 * n + place)
        return samples[..., index.clamp(max=4 * n)]  # at 45° the very last one would lie outside; its weight is 0

    return ((32 - part) * at(x + whole + 1) + part * at(x + whole + 2)) >> 5


# === angle_runs_off_the_end
# The sample with weight 0 at 45 degrees is looked up.
# fails: straight_and_diagonal


# %% angular
def angular(samples: Tensor, angle: int) -> Tensor:
    """Prediction from above at an angle of -32 to 32, from samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    x = torch.arange(n, device=samples.device)
    distance = (x[:, None] + 1) * angle  # (n, 1), one for each row
    whole, part = distance >> 5, distance & 31
    inverse = round(8192 / angle) if angle < 0 else 0

    def at(place: Tensor) -> Tensor:
        """The samples at places (n, n) of the line, 0 being the corner: (…, n, n)."""
        index = torch.where(place < 0, 2 * n - ((place * inverse + 128) >> 8), 2 * n + place)
        return samples[..., index]  # at 45° the very last one would lie outside; its weight is 0

    return ((32 - part) * at(x + whole + 1) + part * at(x + whole + 2) + 16) >> 5


# === angle_starts_at_row_0
# The distance is y · angle: the first row does not move.
# fails: angles_to_the_right, angles_to_the_left, straight_and_diagonal


# %% angular
def angular(samples: Tensor, angle: int) -> Tensor:
    """Prediction from above at an angle of -32 to 32, from samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    x = torch.arange(n, device=samples.device)
    distance = x[:, None] * angle  # (n, 1), one for each row
    whole, part = distance >> 5, distance & 31
    inverse = round(8192 / angle) if angle < 0 else 0

    def at(place: Tensor) -> Tensor:
        """The samples at places (n, n) of the line, 0 being the corner: (…, n, n)."""
        index = torch.where(place < 0, 2 * n - ((place * inverse + 128) >> 8), 2 * n + place)
        return samples[..., index.clamp(max=4 * n)]  # at 45° the very last one would lie outside; its weight is 0

    return ((32 - part) * at(x + whole + 1) + part * at(x + whole + 2) + 16) >> 5


# === angle_stops_at_the_corner
# Beyond the corner the corner is repeated.
# fails: angles_to_the_left, straight_and_diagonal


# %% angular
def angular(samples: Tensor, angle: int) -> Tensor:
    """Prediction from above at an angle of -32 to 32, from samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    x = torch.arange(n, device=samples.device)
    distance = (x[:, None] + 1) * angle  # (n, 1), one for each row
    whole, part = distance >> 5, distance & 31
    round(8192 / angle) if angle < 0 else 0

    def at(place: Tensor) -> Tensor:
        """The samples at places (n, n) of the line, 0 being the corner: (…, n, n)."""
        index = torch.where(place < 0, 2 * n, 2 * n + place)
        return samples[..., index.clamp(max=4 * n)]  # at 45° the very last one would lie outside; its weight is 0

    return ((32 - part) * at(x + whole + 1) + part * at(x + whole + 2) + 16) >> 5


# === angle_truncates_towards_zero
# Division that rounds towards 0: wrong for negative angles.
# fails: angles_to_the_left


# %% angular
def angular(samples: Tensor, angle: int) -> Tensor:
    """Prediction from above at an angle of -32 to 32, from samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    x = torch.arange(n, device=samples.device)
    distance = (x[:, None] + 1) * angle  # (n, 1), one for each row
    whole, part = torch.div(distance, 32, rounding_mode="trunc"), distance.abs() % 32
    inverse = round(8192 / angle) if angle < 0 else 0

    def at(place: Tensor) -> Tensor:
        """The samples at places (n, n) of the line, 0 being the corner: (…, n, n)."""
        index = torch.where(place < 0, 2 * n - ((place * inverse + 128) >> 8), 2 * n + place)
        return samples[..., index.clamp(max=4 * n)]  # at 45° the very last one would lie outside; its weight is 0

    return ((32 - part) * at(x + whole + 1) + part * at(x + whole + 2) + 16) >> 5


# === angle_weights_exchanged
# f at the first sample, 32 - f at the second.
# fails: angles_to_the_right, angles_to_the_left, straight_and_diagonal


# %% angular
def angular(samples: Tensor, angle: int) -> Tensor:
    """Prediction from above at an angle of -32 to 32, from samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    x = torch.arange(n, device=samples.device)
    distance = (x[:, None] + 1) * angle  # (n, 1), one for each row
    whole, part = distance >> 5, distance & 31
    inverse = round(8192 / angle) if angle < 0 else 0

    def at(place: Tensor) -> Tensor:
        """The samples at places (n, n) of the line, 0 being the corner: (…, n, n)."""
        index = torch.where(place < 0, 2 * n - ((place * inverse + 128) >> 8), 2 * n + place)
        return samples[..., index.clamp(max=4 * n)]  # at 45° the very last one would lie outside; its weight is 0

    return (part * at(x + whole + 1) + (32 - part) * at(x + whole + 2) + 16) >> 5


# === angle_without_neighbours
# Only the nearer sample, no weights.
# fails: angles_to_the_right, angles_to_the_left


# %% angular
def angular(samples: Tensor, angle: int) -> Tensor:
    """Prediction from above at an angle of -32 to 32, from samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    x = torch.arange(n, device=samples.device)
    distance = (x[:, None] + 1) * angle  # (n, 1), one for each row
    whole, _part = distance >> 5, distance & 31
    inverse = round(8192 / angle) if angle < 0 else 0

    def at(place: Tensor) -> Tensor:
        """The samples at places (n, n) of the line, 0 being the corner: (…, n, n)."""
        index = torch.where(place < 0, 2 * n - ((place * inverse + 128) >> 8), 2 * n + place)
        return samples[..., index.clamp(max=4 * n)]  # at 45° the very last one would lie outside; its weight is 0

    return at(x + whole + 1)


# === bits_are_units
# The proxy itself, without the bits of a unit.
# fails: bits_of_levels, costs_by_rate_and_distortion


# %% rd_cost
def code(original: Tensor, predictions: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Reconstruction (…, M, n, n) and bits (…, M) of blocks (…, n, n) with each of M predictions (…, M, n, n)."""
    residual = original.unsqueeze(-3).float() - predictions.float()
    levels = quantisation.quantise(transforms.dct(residual), qp)
    decoded = transforms.idct(quantisation.dequantise(levels, qp))
    return (predictions + decoded).clamp(0, 255), quantisation.rate_proxy(levels)


def rd_cost(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """J of each prediction, (…, M)."""
    reconstruction, bits = code(original, predictions, qp)
    distortion = (original.unsqueeze(-3) - reconstruction).square().sum(dim=(-2, -1))
    return distortion + quantisation.lagrange_multiplier(qp) * bits


# === bits_of_coefficients
# The proxy of what is sent by nobody.
# fails: bits_of_levels


# %% rd_cost
def code(original: Tensor, predictions: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Reconstruction (…, M, n, n) and bits (…, M) of blocks (…, n, n) with each of M predictions (…, M, n, n)."""
    residual = original.unsqueeze(-3).float() - predictions.float()
    levels = quantisation.quantise(transforms.dct(residual), qp)
    decoded = transforms.idct(quantisation.dequantise(levels, qp))
    return (predictions + decoded).clamp(0, 255), BITS_PER_UNIT * quantisation.rate_proxy(transforms.dct(residual))


def rd_cost(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """J of each prediction, (…, M)."""
    reconstruction, bits = code(original, predictions, qp)
    distortion = (original.unsqueeze(-3) - reconstruction).square().sum(dim=(-2, -1))
    return distortion + quantisation.lagrange_multiplier(qp) * bits


# === code_does_not_clip
# Pixels below 0 and above 255.
# fails: pixels_are_clipped


# %% rd_cost
def code(original: Tensor, predictions: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Reconstruction (…, M, n, n) and bits (…, M) of blocks (…, n, n) with each of M predictions (…, M, n, n)."""
    residual = original.unsqueeze(-3).float() - predictions.float()
    levels = quantisation.quantise(transforms.dct(residual), qp)
    decoded = transforms.idct(quantisation.dequantise(levels, qp))
    return (predictions + decoded), BITS_PER_UNIT * quantisation.rate_proxy(levels)


def rd_cost(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """J of each prediction, (…, M)."""
    reconstruction, bits = code(original, predictions, qp)
    distortion = (original.unsqueeze(-3) - reconstruction).square().sum(dim=(-2, -1))
    return distortion + quantisation.lagrange_multiplier(qp) * bits


# === code_forgets_to_go_back
# Coefficients are added to pixels.
# fails: reconstructions


# %% rd_cost
def code(original: Tensor, predictions: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Reconstruction (…, M, n, n) and bits (…, M) of blocks (…, n, n) with each of M predictions (…, M, n, n)."""
    residual = original.unsqueeze(-3).float() - predictions.float()
    levels = quantisation.quantise(transforms.dct(residual), qp)
    decoded = quantisation.dequantise(levels, qp)
    return (predictions + decoded).clamp(0, 255), BITS_PER_UNIT * quantisation.rate_proxy(levels)


def rd_cost(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """J of each prediction, (…, M)."""
    reconstruction, bits = code(original, predictions, qp)
    distortion = (original.unsqueeze(-3) - reconstruction).square().sum(dim=(-2, -1))
    return distortion + quantisation.lagrange_multiplier(qp) * bits


# === code_gives_the_residual
# The decoded residual, without the prediction.
# fails: reconstructions, costs_by_rate_and_distortion


# %% rd_cost
def code(original: Tensor, predictions: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Reconstruction (…, M, n, n) and bits (…, M) of blocks (…, n, n) with each of M predictions (…, M, n, n)."""
    residual = original.unsqueeze(-3).float() - predictions.float()
    levels = quantisation.quantise(transforms.dct(residual), qp)
    decoded = transforms.idct(quantisation.dequantise(levels, qp))
    return decoded, BITS_PER_UNIT * quantisation.rate_proxy(levels)


def rd_cost(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """J of each prediction, (…, M)."""
    reconstruction, bits = code(original, predictions, qp)
    distortion = (original.unsqueeze(-3) - reconstruction).square().sum(dim=(-2, -1))
    return distortion + quantisation.lagrange_multiplier(qp) * bits


# === code_has_no_dead_zone
# Rounds to the nearest level.
# fails: reconstructions, bits_of_levels


# %% rd_cost
def code(original: Tensor, predictions: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Reconstruction (…, M, n, n) and bits (…, M) of blocks (…, n, n) with each of M predictions (…, M, n, n)."""
    residual = original.unsqueeze(-3).float() - predictions.float()
    levels = quantisation.quantise(transforms.dct(residual), qp, rounding=0.5)
    decoded = transforms.idct(quantisation.dequantise(levels, qp))
    return (predictions + decoded).clamp(0, 255), BITS_PER_UNIT * quantisation.rate_proxy(levels)


def rd_cost(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """J of each prediction, (…, M)."""
    reconstruction, bits = code(original, predictions, qp)
    distortion = (original.unsqueeze(-3) - reconstruction).square().sum(dim=(-2, -1))
    return distortion + quantisation.lagrange_multiplier(qp) * bits


# === code_without_the_step
# Levels are transformed back without their step.
# fails: reconstructions


# %% rd_cost
def code(original: Tensor, predictions: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Reconstruction (…, M, n, n) and bits (…, M) of blocks (…, n, n) with each of M predictions (…, M, n, n)."""
    residual = original.unsqueeze(-3).float() - predictions.float()
    levels = quantisation.quantise(transforms.dct(residual), qp)
    decoded = transforms.idct(levels)
    return (predictions + decoded).clamp(0, 255), BITS_PER_UNIT * quantisation.rate_proxy(levels)


def rd_cost(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """J of each prediction, (…, M)."""
    reconstruction, bits = code(original, predictions, qp)
    distortion = (original.unsqueeze(-3) - reconstruction).square().sum(dim=(-2, -1))
    return distortion + quantisation.lagrange_multiplier(qp) * bits


# === costs_pair_blocks_with_predictions
# Block k against prediction k: without the dimension of the modes.
# fails: sad_of_modes, satd_of_modes, dct_l1_of_modes, log_cost_of_modes


# %% costs
def costs(original: Tensor, predictions: Tensor, qp: int) -> dict[str, Tensor]:
    """SAD, SATD, DCT-L1 and log-cost, (…, M) each, of integer blocks (…, n, n) and predictions (…, M, n, n)."""
    residual = original.float() - predictions.float()  # (…, M, n, n)
    coefficients = transforms.dct(residual)
    return {
        "SAD": residual.abs().sum(dim=(-2, -1)),
        "SATD": transforms.hadamard(residual).abs().sum(dim=(-2, -1)) / (residual.shape[-1] / 2),
        "DCT-L1": coefficients.abs().sum(dim=(-2, -1)),
        "log-cost": torch.log2(1 + coefficients.abs() / quantisation.step(qp)).sum(dim=(-2, -1)),
    }


# === costs_wrap_round
# Subtracts unsigned integers: 3 - 5 is 254 where both are uint8.
# fails: sad_of_modes, satd_of_modes


# %% costs
def costs(original: Tensor, predictions: Tensor, qp: int) -> dict[str, Tensor]:
    """SAD, SATD, DCT-L1 and log-cost, (…, M) each, of integer blocks (…, n, n) and predictions (…, M, n, n)."""
    residual = (original.unsqueeze(-3) - predictions).float()  # (…, M, n, n)
    coefficients = transforms.dct(residual)
    return {
        "SAD": residual.abs().sum(dim=(-2, -1)),
        "SATD": transforms.hadamard(residual).abs().sum(dim=(-2, -1)) / (residual.shape[-1] / 2),
        "DCT-L1": coefficients.abs().sum(dim=(-2, -1)),
        "log-cost": torch.log2(1 + coefficients.abs() / quantisation.step(qp)).sum(dim=(-2, -1)),
    }


# === cross_entropy_for_hard_targets_only
# Soft targets are made hard first.
# fails: cross_entropies


# %% targets
def hard_targets(j: Tensor) -> Tensor:
    """The best mode of costs (…, M): (…) int64."""
    return j.argmin(dim=-1)


def soft_targets(j: Tensor, temperature: float) -> Tensor:
    """Probabilities (…, M) of costs (…, M): the softmax of -j / temperature."""
    return torch.softmax(-j / temperature, dim=-1)


def cross_entropy(scores: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy of scores (N, M) with targets (N,) integers, or (N, M) probabilities: a scalar."""
    logarithms = torch.log_softmax(scores, dim=-1)
    targets = targets if targets.ndim == 1 else targets.argmax(dim=1)
    if targets.ndim == 1:
        return -logarithms.gather(1, targets[:, None]).mean()
    return -(targets * logarithms).sum(dim=-1).mean()


# === cross_entropy_has_the_wrong_sign
# Plus in place of minus.
# fails: cross_entropies


# %% targets
def hard_targets(j: Tensor) -> Tensor:
    """The best mode of costs (…, M): (…) int64."""
    return j.argmin(dim=-1)


def soft_targets(j: Tensor, temperature: float) -> Tensor:
    """Probabilities (…, M) of costs (…, M): the softmax of -j / temperature."""
    return torch.softmax(-j / temperature, dim=-1)


def cross_entropy(scores: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy of scores (N, M) with targets (N,) integers, or (N, M) probabilities: a scalar."""
    logarithms = torch.log_softmax(scores, dim=-1)
    if targets.ndim == 1:
        return logarithms.gather(1, targets[:, None]).mean()
    return -(targets * logarithms).sum(dim=-1).mean()


# === cross_entropy_is_a_sum
# The sum over the blocks.
# fails: cross_entropies


# %% targets
def hard_targets(j: Tensor) -> Tensor:
    """The best mode of costs (…, M): (…) int64."""
    return j.argmin(dim=-1)


def soft_targets(j: Tensor, temperature: float) -> Tensor:
    """Probabilities (…, M) of costs (…, M): the softmax of -j / temperature."""
    return torch.softmax(-j / temperature, dim=-1)


def cross_entropy(scores: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy of scores (N, M) with targets (N,) integers, or (N, M) probabilities: a scalar."""
    logarithms = torch.log_softmax(scores, dim=-1)
    if targets.ndim == 1:
        return -logarithms.gather(1, targets[:, None]).mean()
    return -(targets * logarithms).sum()


# === cross_entropy_means_over_modes
# The mean over blocks and modes.
# fails: cross_entropies


# %% targets
def hard_targets(j: Tensor) -> Tensor:
    """The best mode of costs (…, M): (…) int64."""
    return j.argmin(dim=-1)


def soft_targets(j: Tensor, temperature: float) -> Tensor:
    """Probabilities (…, M) of costs (…, M): the softmax of -j / temperature."""
    return torch.softmax(-j / temperature, dim=-1)


def cross_entropy(scores: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy of scores (N, M) with targets (N,) integers, or (N, M) probabilities: a scalar."""
    logarithms = torch.log_softmax(scores, dim=-1)
    if targets.ndim == 1:
        return -logarithms.gather(1, targets[:, None]).mean()
    return -(targets * logarithms).mean()


# === cross_entropy_of_large_scores
# The logarithm of a softmax that has become 0.
# fails: cross_entropies_of_large_scores


# %% targets
def hard_targets(j: Tensor) -> Tensor:
    """The best mode of costs (…, M): (…) int64."""
    return j.argmin(dim=-1)


def soft_targets(j: Tensor, temperature: float) -> Tensor:
    """Probabilities (…, M) of costs (…, M): the softmax of -j / temperature."""
    return torch.softmax(-j / temperature, dim=-1)


def cross_entropy(scores: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy of scores (N, M) with targets (N,) integers, or (N, M) probabilities: a scalar."""
    logarithms = torch.softmax(scores, dim=-1).log()
    if targets.ndim == 1:
        return -logarithms.gather(1, targets[:, None]).mean()
    return -(targets * logarithms).sum(dim=-1).mean()


# === dc_exchanges_row_and_column
# The left samples soften the row, those above the column.
# fails: softened_edges


# %% planar
def planar(samples: Tensor) -> Tensor:
    """Mode 0 from reference samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    left = samples[..., n : 2 * n].flip(-1)[..., :, None]  # (…, n, 1) from top to bottom
    above = samples[..., 2 * n + 1 : 3 * n + 1][..., None, :]  # (…, 1, n)
    right, below = samples[..., 3 * n + 1, None, None], samples[..., n - 1, None, None]
    x = torch.arange(n, device=samples.device)
    y = x[:, None]
    total = (n - 1 - x) * left + (x + 1) * right + (n - 1 - y) * above + (y + 1) * below + n
    return total >> n.bit_length()  # log2(n) + 1


def dc(samples: Tensor) -> Tensor:
    """Mode 1 from reference samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    left, above = samples[..., n : 2 * n].flip(-1), samples[..., 2 * n + 1 : 3 * n + 1]
    mean = (left.sum(dim=-1, keepdim=True) + above.sum(dim=-1, keepdim=True) + n) >> n.bit_length()  # (…, 1)
    block = mean[..., None].expand(*samples.shape[:-1], n, n).clone()
    if n < 32:
        block[..., 0, :] = (left + 3 * mean + 2) >> 2
        block[..., :, 0] = (above + 3 * mean + 2) >> 2
        block[..., 0, 0] = (left[..., 0] + 2 * mean[..., 0] + above[..., 0] + 2) >> 2
    return block


# === dc_forgets_the_corner
# The corner keeps what the column left there.
# fails: softened_edges


# %% planar
def planar(samples: Tensor) -> Tensor:
    """Mode 0 from reference samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    left = samples[..., n : 2 * n].flip(-1)[..., :, None]  # (…, n, 1) from top to bottom
    above = samples[..., 2 * n + 1 : 3 * n + 1][..., None, :]  # (…, 1, n)
    right, below = samples[..., 3 * n + 1, None, None], samples[..., n - 1, None, None]
    x = torch.arange(n, device=samples.device)
    y = x[:, None]
    total = (n - 1 - x) * left + (x + 1) * right + (n - 1 - y) * above + (y + 1) * below + n
    return total >> n.bit_length()  # log2(n) + 1


def dc(samples: Tensor) -> Tensor:
    """Mode 1 from reference samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    left, above = samples[..., n : 2 * n].flip(-1), samples[..., 2 * n + 1 : 3 * n + 1]
    mean = (left.sum(dim=-1, keepdim=True) + above.sum(dim=-1, keepdim=True) + n) >> n.bit_length()  # (…, 1)
    block = mean[..., None].expand(*samples.shape[:-1], n, n).clone()
    if n < 32:
        block[..., 0, :] = (above + 3 * mean + 2) >> 2
        block[..., :, 0] = (left + 3 * mean + 2) >> 2
    return block


# === dc_is_flat
# No edge is softened.
# fails: softened_edges


# %% planar
def planar(samples: Tensor) -> Tensor:
    """Mode 0 from reference samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    left = samples[..., n : 2 * n].flip(-1)[..., :, None]  # (…, n, 1) from top to bottom
    above = samples[..., 2 * n + 1 : 3 * n + 1][..., None, :]  # (…, 1, n)
    right, below = samples[..., 3 * n + 1, None, None], samples[..., n - 1, None, None]
    x = torch.arange(n, device=samples.device)
    y = x[:, None]
    total = (n - 1 - x) * left + (x + 1) * right + (n - 1 - y) * above + (y + 1) * below + n
    return total >> n.bit_length()  # log2(n) + 1


def dc(samples: Tensor) -> Tensor:
    """Mode 1 from reference samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    left, above = samples[..., n : 2 * n].flip(-1), samples[..., 2 * n + 1 : 3 * n + 1]
    mean = (left.sum(dim=-1, keepdim=True) + above.sum(dim=-1, keepdim=True) + n) >> n.bit_length()  # (…, 1)
    block = mean[..., None].expand(*samples.shape[:-1], n, n).clone()
    if n < 4:
        block[..., 0, :] = (above + 3 * mean + 2) >> 2
        block[..., :, 0] = (left + 3 * mean + 2) >> 2
        block[..., 0, 0] = (left[..., 0] + 2 * mean[..., 0] + above[..., 0] + 2) >> 2
    return block


# === dc_mean_is_rounded_down
# Without n in the mean.
# fails: means_of_the_samples


# %% planar
def planar(samples: Tensor) -> Tensor:
    """Mode 0 from reference samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    left = samples[..., n : 2 * n].flip(-1)[..., :, None]  # (…, n, 1) from top to bottom
    above = samples[..., 2 * n + 1 : 3 * n + 1][..., None, :]  # (…, 1, n)
    right, below = samples[..., 3 * n + 1, None, None], samples[..., n - 1, None, None]
    x = torch.arange(n, device=samples.device)
    y = x[:, None]
    total = (n - 1 - x) * left + (x + 1) * right + (n - 1 - y) * above + (y + 1) * below + n
    return total >> n.bit_length()  # log2(n) + 1


def dc(samples: Tensor) -> Tensor:
    """Mode 1 from reference samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    left, above = samples[..., n : 2 * n].flip(-1), samples[..., 2 * n + 1 : 3 * n + 1]
    mean = (left.sum(dim=-1, keepdim=True) + above.sum(dim=-1, keepdim=True)) >> n.bit_length()  # (…, 1)
    block = mean[..., None].expand(*samples.shape[:-1], n, n).clone()
    if n < 32:
        block[..., 0, :] = (above + 3 * mean + 2) >> 2
        block[..., :, 0] = (left + 3 * mean + 2) >> 2
        block[..., 0, 0] = (left[..., 0] + 2 * mean[..., 0] + above[..., 0] + 2) >> 2
    return block


# === dc_over_all_samples
# The mean of all 4n + 1 samples.
# fails: means_of_the_samples, softened_edges


# %% planar
def planar(samples: Tensor) -> Tensor:
    """Mode 0 from reference samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    left = samples[..., n : 2 * n].flip(-1)[..., :, None]  # (…, n, 1) from top to bottom
    above = samples[..., 2 * n + 1 : 3 * n + 1][..., None, :]  # (…, 1, n)
    right, below = samples[..., 3 * n + 1, None, None], samples[..., n - 1, None, None]
    x = torch.arange(n, device=samples.device)
    y = x[:, None]
    total = (n - 1 - x) * left + (x + 1) * right + (n - 1 - y) * above + (y + 1) * below + n
    return total >> n.bit_length()  # log2(n) + 1


def dc(samples: Tensor) -> Tensor:
    """Mode 1 from reference samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    left, above = samples[..., n : 2 * n].flip(-1), samples[..., 2 * n + 1 : 3 * n + 1]
    mean = samples.sum(dim=-1, keepdim=True) // (4 * n + 1)  # (…, 1)
    block = mean[..., None].expand(*samples.shape[:-1], n, n).clone()
    if n < 32:
        block[..., 0, :] = (above + 3 * mean + 2) >> 2
        block[..., :, 0] = (left + 3 * mean + 2) >> 2
        block[..., 0, 0] = (left[..., 0] + 2 * mean[..., 0] + above[..., 0] + 2) >> 2
    return block


# === dc_softens_32
# The edges are softened at 32, too.
# fails: means_of_the_samples


# %% planar
def planar(samples: Tensor) -> Tensor:
    """Mode 0 from reference samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    left = samples[..., n : 2 * n].flip(-1)[..., :, None]  # (…, n, 1) from top to bottom
    above = samples[..., 2 * n + 1 : 3 * n + 1][..., None, :]  # (…, 1, n)
    right, below = samples[..., 3 * n + 1, None, None], samples[..., n - 1, None, None]
    x = torch.arange(n, device=samples.device)
    y = x[:, None]
    total = (n - 1 - x) * left + (x + 1) * right + (n - 1 - y) * above + (y + 1) * below + n
    return total >> n.bit_length()  # log2(n) + 1


def dc(samples: Tensor) -> Tensor:
    """Mode 1 from reference samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    left, above = samples[..., n : 2 * n].flip(-1), samples[..., 2 * n + 1 : 3 * n + 1]
    mean = (left.sum(dim=-1, keepdim=True) + above.sum(dim=-1, keepdim=True) + n) >> n.bit_length()  # (…, 1)
    block = mean[..., None].expand(*samples.shape[:-1], n, n).clone()
    if n <= 32:
        block[..., 0, :] = (above + 3 * mean + 2) >> 2
        block[..., :, 0] = (left + 3 * mean + 2) >> 2
        block[..., 0, 0] = (left[..., 0] + 2 * mean[..., 0] + above[..., 0] + 2) >> 2
    return block


# === dct_l1_of_squares
# Squares: that is the SSE again (Parseval).
# fails: dct_l1_of_modes


# %% costs
def costs(original: Tensor, predictions: Tensor, qp: int) -> dict[str, Tensor]:
    """SAD, SATD, DCT-L1 and log-cost, (…, M) each, of integer blocks (…, n, n) and predictions (…, M, n, n)."""
    residual = original.unsqueeze(-3).float() - predictions.float()  # (…, M, n, n)
    coefficients = transforms.dct(residual)
    return {
        "SAD": residual.abs().sum(dim=(-2, -1)),
        "SATD": transforms.hadamard(residual).abs().sum(dim=(-2, -1)) / (residual.shape[-1] / 2),
        "DCT-L1": coefficients.square().sum(dim=(-2, -1)),
        "log-cost": torch.log2(1 + coefficients.abs() / quantisation.step(qp)).sum(dim=(-2, -1)),
    }


# === hard_targets_of_the_dearest
# argmax: as if J were a score.
# fails: hard_targets_of_costs


# %% targets
def hard_targets(j: Tensor) -> Tensor:
    """The best mode of costs (…, M): (…) int64."""
    return j.argmax(dim=-1)


def soft_targets(j: Tensor, temperature: float) -> Tensor:
    """Probabilities (…, M) of costs (…, M): the softmax of -j / temperature."""
    return torch.softmax(-j / temperature, dim=-1)


def cross_entropy(scores: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy of scores (N, M) with targets (N,) integers, or (N, M) probabilities: a scalar."""
    logarithms = torch.log_softmax(scores, dim=-1)
    if targets.ndim == 1:
        return -logarithms.gather(1, targets[:, None]).mean()
    return -(targets * logarithms).sum(dim=-1).mean()


# === hard_targets_one_hot
# One-hot vectors in place of numbers.
# fails: hard_targets_of_costs


# %% targets
def hard_targets(j: Tensor) -> Tensor:
    """The best mode of costs (…, M): (…) int64."""
    return F.one_hot(j.argmin(dim=-1), j.shape[-1])


def soft_targets(j: Tensor, temperature: float) -> Tensor:
    """Probabilities (…, M) of costs (…, M): the softmax of -j / temperature."""
    return torch.softmax(-j / temperature, dim=-1)


def cross_entropy(scores: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy of scores (N, M) with targets (N,) integers, or (N, M) probabilities: a scalar."""
    logarithms = torch.log_softmax(scores, dim=-1)
    if targets.ndim == 1:
        return -logarithms.gather(1, targets[:, None]).mean()
    return -(targets * logarithms).sum(dim=-1).mean()


# === j_by_absolute_errors
# Absolute errors.
# fails: costs_by_rate_and_distortion


# %% rd_cost
def code(original: Tensor, predictions: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Reconstruction (…, M, n, n) and bits (…, M) of blocks (…, n, n) with each of M predictions (…, M, n, n)."""
    residual = original.unsqueeze(-3).float() - predictions.float()
    levels = quantisation.quantise(transforms.dct(residual), qp)
    decoded = transforms.idct(quantisation.dequantise(levels, qp))
    return (predictions + decoded).clamp(0, 255), BITS_PER_UNIT * quantisation.rate_proxy(levels)


def rd_cost(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """J of each prediction, (…, M)."""
    reconstruction, bits = code(original, predictions, qp)
    distortion = (original.unsqueeze(-3) - reconstruction).abs().sum(dim=(-2, -1))
    return distortion + quantisation.lagrange_multiplier(qp) * bits


# === j_of_the_prediction
# The distortion of the prediction, not of the reconstruction.
# fails: costs_by_rate_and_distortion


# %% rd_cost
def code(original: Tensor, predictions: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Reconstruction (…, M, n, n) and bits (…, M) of blocks (…, n, n) with each of M predictions (…, M, n, n)."""
    residual = original.unsqueeze(-3).float() - predictions.float()
    levels = quantisation.quantise(transforms.dct(residual), qp)
    decoded = transforms.idct(quantisation.dequantise(levels, qp))
    return (predictions + decoded).clamp(0, 255), BITS_PER_UNIT * quantisation.rate_proxy(levels)


def rd_cost(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """J of each prediction, (…, M)."""
    _reconstruction, bits = code(original, predictions, qp)
    distortion = (original.unsqueeze(-3).float() - predictions).square().sum(dim=(-2, -1))
    return distortion + quantisation.lagrange_multiplier(qp) * bits


# === j_with_a_mean_error
# The mean squared error: 64 times too small.
# fails: costs_by_rate_and_distortion


# %% rd_cost
def code(original: Tensor, predictions: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Reconstruction (…, M, n, n) and bits (…, M) of blocks (…, n, n) with each of M predictions (…, M, n, n)."""
    residual = original.unsqueeze(-3).float() - predictions.float()
    levels = quantisation.quantise(transforms.dct(residual), qp)
    decoded = transforms.idct(quantisation.dequantise(levels, qp))
    return (predictions + decoded).clamp(0, 255), BITS_PER_UNIT * quantisation.rate_proxy(levels)


def rd_cost(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """J of each prediction, (…, M)."""
    reconstruction, bits = code(original, predictions, qp)
    distortion = (original.unsqueeze(-3) - reconstruction).square().mean(dim=(-2, -1))
    return distortion + quantisation.lagrange_multiplier(qp) * bits


# === j_with_lambda_on_the_distortion
# Lambda on the wrong side.
# fails: costs_by_rate_and_distortion


# %% rd_cost
def code(original: Tensor, predictions: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Reconstruction (…, M, n, n) and bits (…, M) of blocks (…, n, n) with each of M predictions (…, M, n, n)."""
    residual = original.unsqueeze(-3).float() - predictions.float()
    levels = quantisation.quantise(transforms.dct(residual), qp)
    decoded = transforms.idct(quantisation.dequantise(levels, qp))
    return (predictions + decoded).clamp(0, 255), BITS_PER_UNIT * quantisation.rate_proxy(levels)


def rd_cost(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """J of each prediction, (…, M)."""
    reconstruction, bits = code(original, predictions, qp)
    distortion = (original.unsqueeze(-3) - reconstruction).square().sum(dim=(-2, -1))
    return quantisation.lagrange_multiplier(qp) * distortion + bits


# === j_without_lambda
# Adds bits to squared errors.
# fails: costs_by_rate_and_distortion


# %% rd_cost
def code(original: Tensor, predictions: Tensor, qp: int) -> tuple[Tensor, Tensor]:
    """Reconstruction (…, M, n, n) and bits (…, M) of blocks (…, n, n) with each of M predictions (…, M, n, n)."""
    residual = original.unsqueeze(-3).float() - predictions.float()
    levels = quantisation.quantise(transforms.dct(residual), qp)
    decoded = transforms.idct(quantisation.dequantise(levels, qp))
    return (predictions + decoded).clamp(0, 255), BITS_PER_UNIT * quantisation.rate_proxy(levels)


def rd_cost(original: Tensor, predictions: Tensor, qp: int) -> Tensor:
    """J of each prediction, (…, M)."""
    reconstruction, bits = code(original, predictions, qp)
    distortion = (original.unsqueeze(-3) - reconstruction).square().sum(dim=(-2, -1))
    return distortion + bits


# === log_cost_of_levels
# Quantises first.
# fails: log_cost_of_modes


# %% costs
def costs(original: Tensor, predictions: Tensor, qp: int) -> dict[str, Tensor]:
    """SAD, SATD, DCT-L1 and log-cost, (…, M) each, of integer blocks (…, n, n) and predictions (…, M, n, n)."""
    residual = original.unsqueeze(-3).float() - predictions.float()  # (…, M, n, n)
    coefficients = transforms.dct(residual)
    return {
        "SAD": residual.abs().sum(dim=(-2, -1)),
        "SATD": transforms.hadamard(residual).abs().sum(dim=(-2, -1)) / (residual.shape[-1] / 2),
        "DCT-L1": coefficients.abs().sum(dim=(-2, -1)),
        "log-cost": torch.log2(1 + quantisation.quantise(coefficients, qp).abs()).sum(dim=(-2, -1)),
    }


# === log_cost_of_the_sum
# The logarithm of the sum, not the sum of logarithms.
# fails: log_cost_of_modes


# %% costs
def costs(original: Tensor, predictions: Tensor, qp: int) -> dict[str, Tensor]:
    """SAD, SATD, DCT-L1 and log-cost, (…, M) each, of integer blocks (…, n, n) and predictions (…, M, n, n)."""
    residual = original.unsqueeze(-3).float() - predictions.float()  # (…, M, n, n)
    coefficients = transforms.dct(residual)
    return {
        "SAD": residual.abs().sum(dim=(-2, -1)),
        "SATD": transforms.hadamard(residual).abs().sum(dim=(-2, -1)) / (residual.shape[-1] / 2),
        "DCT-L1": coefficients.abs().sum(dim=(-2, -1)),
        "log-cost": torch.log2(1 + (coefficients.abs() / quantisation.step(qp)).sum(dim=(-2, -1))),
    }


# === log_cost_to_base_e
# The natural logarithm.
# fails: log_cost_of_modes


# %% costs
def costs(original: Tensor, predictions: Tensor, qp: int) -> dict[str, Tensor]:
    """SAD, SATD, DCT-L1 and log-cost, (…, M) each, of integer blocks (…, n, n) and predictions (…, M, n, n)."""
    residual = original.unsqueeze(-3).float() - predictions.float()  # (…, M, n, n)
    coefficients = transforms.dct(residual)
    return {
        "SAD": residual.abs().sum(dim=(-2, -1)),
        "SATD": transforms.hadamard(residual).abs().sum(dim=(-2, -1)) / (residual.shape[-1] / 2),
        "DCT-L1": coefficients.abs().sum(dim=(-2, -1)),
        "log-cost": torch.log(1 + coefficients.abs() / quantisation.step(qp)).sum(dim=(-2, -1)),
    }


# === log_cost_without_the_step
# Does not know the QP.
# fails: log_cost_of_modes


# %% costs
def costs(original: Tensor, predictions: Tensor, qp: int) -> dict[str, Tensor]:
    """SAD, SATD, DCT-L1 and log-cost, (…, M) each, of integer blocks (…, n, n) and predictions (…, M, n, n)."""
    residual = original.unsqueeze(-3).float() - predictions.float()  # (…, M, n, n)
    coefficients = transforms.dct(residual)
    return {
        "SAD": residual.abs().sum(dim=(-2, -1)),
        "SATD": transforms.hadamard(residual).abs().sum(dim=(-2, -1)) / (residual.shape[-1] / 2),
        "DCT-L1": coefficients.abs().sum(dim=(-2, -1)),
        "log-cost": torch.log2(1 + coefficients.abs()).sum(dim=(-2, -1)),
    }


# === planar_divides_by_the_size_only
# Shifts by log2 n: a sum of two ramps, not their mean.
# fails: planar_blocks


# %% planar
def planar(samples: Tensor) -> Tensor:
    """Mode 0 from reference samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    left = samples[..., n : 2 * n].flip(-1)[..., :, None]  # (…, n, 1) from top to bottom
    above = samples[..., 2 * n + 1 : 3 * n + 1][..., None, :]  # (…, 1, n)
    right, below = samples[..., 3 * n + 1, None, None], samples[..., n - 1, None, None]
    x = torch.arange(n, device=samples.device)
    y = x[:, None]
    total = (n - 1 - x) * left + (x + 1) * right + (n - 1 - y) * above + (y + 1) * below + n
    return total >> (n.bit_length() - 1)  # log2(n) + 1


def dc(samples: Tensor) -> Tensor:
    """Mode 1 from reference samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    left, above = samples[..., n : 2 * n].flip(-1), samples[..., 2 * n + 1 : 3 * n + 1]
    mean = (left.sum(dim=-1, keepdim=True) + above.sum(dim=-1, keepdim=True) + n) >> n.bit_length()  # (…, 1)
    block = mean[..., None].expand(*samples.shape[:-1], n, n).clone()
    if n < 32:
        block[..., 0, :] = (above + 3 * mean + 2) >> 2
        block[..., :, 0] = (left + 3 * mean + 2) >> 2
        block[..., 0, 0] = (left[..., 0] + 2 * mean[..., 0] + above[..., 0] + 2) >> 2
    return block


# === planar_left_upside_down
# The left samples as they stand in the vector, from the bottom up.
# fails: planar_blocks


# %% planar
def planar(samples: Tensor) -> Tensor:
    """Mode 0 from reference samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    left = samples[..., n : 2 * n][..., :, None]  # (…, n, 1) from top to bottom
    above = samples[..., 2 * n + 1 : 3 * n + 1][..., None, :]  # (…, 1, n)
    right, below = samples[..., 3 * n + 1, None, None], samples[..., n - 1, None, None]
    x = torch.arange(n, device=samples.device)
    y = x[:, None]
    total = (n - 1 - x) * left + (x + 1) * right + (n - 1 - y) * above + (y + 1) * below + n
    return total >> n.bit_length()  # log2(n) + 1


def dc(samples: Tensor) -> Tensor:
    """Mode 1 from reference samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    left, above = samples[..., n : 2 * n].flip(-1), samples[..., 2 * n + 1 : 3 * n + 1]
    mean = (left.sum(dim=-1, keepdim=True) + above.sum(dim=-1, keepdim=True) + n) >> n.bit_length()  # (…, 1)
    block = mean[..., None].expand(*samples.shape[:-1], n, n).clone()
    if n < 32:
        block[..., 0, :] = (above + 3 * mean + 2) >> 2
        block[..., :, 0] = (left + 3 * mean + 2) >> 2
        block[..., 0, 0] = (left[..., 0] + 2 * mean[..., 0] + above[..., 0] + 2) >> 2
    return block


# === planar_rounds_down
# Without n before the shift.
# fails: planar_blocks


# %% planar
def planar(samples: Tensor) -> Tensor:
    """Mode 0 from reference samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    left = samples[..., n : 2 * n].flip(-1)[..., :, None]  # (…, n, 1) from top to bottom
    above = samples[..., 2 * n + 1 : 3 * n + 1][..., None, :]  # (…, 1, n)
    right, below = samples[..., 3 * n + 1, None, None], samples[..., n - 1, None, None]
    x = torch.arange(n, device=samples.device)
    y = x[:, None]
    total = (n - 1 - x) * left + (x + 1) * right + (n - 1 - y) * above + (y + 1) * below
    return total >> n.bit_length()  # log2(n) + 1


def dc(samples: Tensor) -> Tensor:
    """Mode 1 from reference samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    left, above = samples[..., n : 2 * n].flip(-1), samples[..., 2 * n + 1 : 3 * n + 1]
    mean = (left.sum(dim=-1, keepdim=True) + above.sum(dim=-1, keepdim=True) + n) >> n.bit_length()  # (…, 1)
    block = mean[..., None].expand(*samples.shape[:-1], n, n).clone()
    if n < 32:
        block[..., 0, :] = (above + 3 * mean + 2) >> 2
        block[..., :, 0] = (left + 3 * mean + 2) >> 2
        block[..., 0, 0] = (left[..., 0] + 2 * mean[..., 0] + above[..., 0] + 2) >> 2
    return block


# === planar_runs_towards_the_last_samples
# Ramps end at the far ends of the samples, not at the first beyond the block.
# fails: planar_blocks


# %% planar
def planar(samples: Tensor) -> Tensor:
    """Mode 0 from reference samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    left = samples[..., n : 2 * n].flip(-1)[..., :, None]  # (…, n, 1) from top to bottom
    above = samples[..., 2 * n + 1 : 3 * n + 1][..., None, :]  # (…, 1, n)
    right, below = samples[..., 4 * n, None, None], samples[..., 0, None, None]
    x = torch.arange(n, device=samples.device)
    y = x[:, None]
    total = (n - 1 - x) * left + (x + 1) * right + (n - 1 - y) * above + (y + 1) * below + n
    return total >> n.bit_length()  # log2(n) + 1


def dc(samples: Tensor) -> Tensor:
    """Mode 1 from reference samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    left, above = samples[..., n : 2 * n].flip(-1), samples[..., 2 * n + 1 : 3 * n + 1]
    mean = (left.sum(dim=-1, keepdim=True) + above.sum(dim=-1, keepdim=True) + n) >> n.bit_length()  # (…, 1)
    block = mean[..., None].expand(*samples.shape[:-1], n, n).clone()
    if n < 32:
        block[..., 0, :] = (above + 3 * mean + 2) >> 2
        block[..., :, 0] = (left + 3 * mean + 2) >> 2
        block[..., 0, 0] = (left[..., 0] + 2 * mean[..., 0] + above[..., 0] + 2) >> 2
    return block


# === planar_turned_over
# x and y exchanged.
# fails: planar_blocks


# %% planar
def planar(samples: Tensor) -> Tensor:
    """Mode 0 from reference samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    left = samples[..., n : 2 * n].flip(-1)[..., :, None]  # (…, n, 1) from top to bottom
    above = samples[..., 2 * n + 1 : 3 * n + 1][..., None, :]  # (…, 1, n)
    right, below = samples[..., 3 * n + 1, None, None], samples[..., n - 1, None, None]
    x = torch.arange(n, device=samples.device)
    y, x = x, x[:, None]
    total = (n - 1 - x) * left + (x + 1) * right + (n - 1 - y) * above + (y + 1) * below + n
    return total >> n.bit_length()  # log2(n) + 1


def dc(samples: Tensor) -> Tensor:
    """Mode 1 from reference samples (…, 4n + 1) int64: (…, n, n) int64."""
    n = samples.shape[-1] // 4
    left, above = samples[..., n : 2 * n].flip(-1), samples[..., 2 * n + 1 : 3 * n + 1]
    mean = (left.sum(dim=-1, keepdim=True) + above.sum(dim=-1, keepdim=True) + n) >> n.bit_length()  # (…, 1)
    block = mean[..., None].expand(*samples.shape[:-1], n, n).clone()
    if n < 32:
        block[..., 0, :] = (above + 3 * mean + 2) >> 2
        block[..., :, 0] = (left + 3 * mean + 2) >> 2
        block[..., 0, 0] = (left[..., 0] + 2 * mean[..., 0] + above[..., 0] + 2) >> 2
    return block


# === sad_cancels
# Adds before it takes the size.
# fails: sad_of_modes


# %% costs
def costs(original: Tensor, predictions: Tensor, qp: int) -> dict[str, Tensor]:
    """SAD, SATD, DCT-L1 and log-cost, (…, M) each, of integer blocks (…, n, n) and predictions (…, M, n, n)."""
    residual = original.unsqueeze(-3).float() - predictions.float()  # (…, M, n, n)
    coefficients = transforms.dct(residual)
    return {
        "SAD": residual.sum(dim=(-2, -1)).abs(),
        "SATD": transforms.hadamard(residual).abs().sum(dim=(-2, -1)) / (residual.shape[-1] / 2),
        "DCT-L1": coefficients.abs().sum(dim=(-2, -1)),
        "log-cost": torch.log2(1 + coefficients.abs() / quantisation.step(qp)).sum(dim=(-2, -1)),
    }


# === sad_is_a_mean
# The mean, not the sum.
# fails: sad_of_modes


# %% costs
def costs(original: Tensor, predictions: Tensor, qp: int) -> dict[str, Tensor]:
    """SAD, SATD, DCT-L1 and log-cost, (…, M) each, of integer blocks (…, n, n) and predictions (…, M, n, n)."""
    residual = original.unsqueeze(-3).float() - predictions.float()  # (…, M, n, n)
    coefficients = transforms.dct(residual)
    return {
        "SAD": residual.abs().mean(dim=(-2, -1)),
        "SATD": transforms.hadamard(residual).abs().sum(dim=(-2, -1)) / (residual.shape[-1] / 2),
        "DCT-L1": coefficients.abs().sum(dim=(-2, -1)),
        "log-cost": torch.log2(1 + coefficients.abs() / quantisation.step(qp)).sum(dim=(-2, -1)),
    }


# === satd_always_divides_by_4
# Right for 8×8 only.
# fails: satd_of_modes


# %% costs
def costs(original: Tensor, predictions: Tensor, qp: int) -> dict[str, Tensor]:
    """SAD, SATD, DCT-L1 and log-cost, (…, M) each, of integer blocks (…, n, n) and predictions (…, M, n, n)."""
    residual = original.unsqueeze(-3).float() - predictions.float()  # (…, M, n, n)
    coefficients = transforms.dct(residual)
    return {
        "SAD": residual.abs().sum(dim=(-2, -1)),
        "SATD": transforms.hadamard(residual).abs().sum(dim=(-2, -1)) / 4,
        "DCT-L1": coefficients.abs().sum(dim=(-2, -1)),
        "log-cost": torch.log2(1 + coefficients.abs() / quantisation.step(qp)).sum(dim=(-2, -1)),
    }


# === satd_is_not_divided
# The plain sum.
# fails: satd_of_modes


# %% costs
def costs(original: Tensor, predictions: Tensor, qp: int) -> dict[str, Tensor]:
    """SAD, SATD, DCT-L1 and log-cost, (…, M) each, of integer blocks (…, n, n) and predictions (…, M, n, n)."""
    residual = original.unsqueeze(-3).float() - predictions.float()  # (…, M, n, n)
    coefficients = transforms.dct(residual)
    return {
        "SAD": residual.abs().sum(dim=(-2, -1)),
        "SATD": transforms.hadamard(residual).abs().sum(dim=(-2, -1)),
        "DCT-L1": coefficients.abs().sum(dim=(-2, -1)),
        "log-cost": torch.log2(1 + coefficients.abs() / quantisation.step(qp)).sum(dim=(-2, -1)),
    }


# === search_gives_the_place
# The place in the short list, not the mode.
# fails: best_of_a_short_list


# %% search
def search(original: Tensor, predictions: Tensor, guess: Tensor, qp: int, k: int) -> Tensor:
    """Mode (…) with the least J among the k least of guess (…, M); blocks (…, n, n), predictions (…, M, n, n)."""
    k = min(k, guess.shape[-1])
    candidates = guess.topk(k, dim=-1, largest=False).indices  # (…, k)
    index = candidates[..., None, None].expand(*candidates.shape, *predictions.shape[-2:])
    j = rd_cost(original, predictions.gather(-3, index), qp)  # (…, k)
    return j.argmin(dim=-1)


# === search_ignores_the_guess
# The full search, always.
# fails: best_of_a_short_list


# %% search
def search(original: Tensor, predictions: Tensor, guess: Tensor, qp: int, k: int) -> Tensor:
    """Mode (…) with the least J among the k least of guess (…, M); blocks (…, n, n), predictions (…, M, n, n)."""
    k = guess.shape[-1]
    candidates = guess.topk(k, dim=-1, largest=False).indices  # (…, k)
    index = candidates[..., None, None].expand(*candidates.shape, *predictions.shape[-2:])
    j = rd_cost(original, predictions.gather(-3, index), qp)  # (…, k)
    return candidates.gather(-1, j.argmin(dim=-1, keepdim=True)).squeeze(-1)


# === search_needs_a_short_list
# topk fails where k exceeds the number of modes.
# fails: long_lists


# %% search
def search(original: Tensor, predictions: Tensor, guess: Tensor, qp: int, k: int) -> Tensor:
    """Mode (…) with the least J among the k least of guess (…, M); blocks (…, n, n), predictions (…, M, n, n)."""
    candidates = guess.topk(k, dim=-1, largest=False).indices  # (…, k)
    index = candidates[..., None, None].expand(*candidates.shape, *predictions.shape[-2:])
    j = rd_cost(original, predictions.gather(-3, index), qp)  # (…, k)
    return candidates.gather(-1, j.argmin(dim=-1, keepdim=True)).squeeze(-1)


# === search_over_one_batch_dimension
# Written for (N, M).
# fails: searches_in_every_batch


# %% search
def search(original: Tensor, predictions: Tensor, guess: Tensor, qp: int, k: int) -> Tensor:
    """Mode (…) with the least J among the k least of guess (…, M); blocks (…, n, n), predictions (…, M, n, n)."""
    k = min(k, guess.shape[-1])
    candidates = guess.topk(k, dim=-1, largest=False).indices  # (…, k)
    rows = torch.arange(len(original))[:, None]
    j = rd_cost(original, predictions[rows, candidates], qp)  # (…, k)
    return candidates.gather(-1, j.argmin(dim=-1, keepdim=True)).squeeze(-1)


# === search_takes_the_dearest
# The greatest J of the list.
# fails: best_of_a_short_list


# %% search
def search(original: Tensor, predictions: Tensor, guess: Tensor, qp: int, k: int) -> Tensor:
    """Mode (…) with the least J among the k least of guess (…, M); blocks (…, n, n), predictions (…, M, n, n)."""
    k = min(k, guess.shape[-1])
    candidates = guess.topk(k, dim=-1, largest=False).indices  # (…, k)
    index = candidates[..., None, None].expand(*candidates.shape, *predictions.shape[-2:])
    j = rd_cost(original, predictions.gather(-3, index), qp)  # (…, k)
    return candidates.gather(-1, j.argmax(dim=-1, keepdim=True)).squeeze(-1)


# === search_tries_the_dearest
# The k greatest of the guess.
# fails: best_of_a_short_list


# %% search
def search(original: Tensor, predictions: Tensor, guess: Tensor, qp: int, k: int) -> Tensor:
    """Mode (…) with the least J among the k least of guess (…, M); blocks (…, n, n), predictions (…, M, n, n)."""
    k = min(k, guess.shape[-1])
    candidates = guess.topk(k, dim=-1, largest=True).indices  # (…, k)
    index = candidates[..., None, None].expand(*candidates.shape, *predictions.shape[-2:])
    j = rd_cost(original, predictions.gather(-3, index), qp)  # (…, k)
    return candidates.gather(-1, j.argmin(dim=-1, keepdim=True)).squeeze(-1)


# === search_trusts_the_guess
# No search: the first of the list.
# fails: best_of_a_short_list


# %% search
def search(original: Tensor, predictions: Tensor, guess: Tensor, qp: int, k: int) -> Tensor:
    """Mode (…) with the least J among the k least of guess (…, M); blocks (…, n, n), predictions (…, M, n, n)."""
    k = min(k, guess.shape[-1])
    candidates = guess.topk(k, dim=-1, largest=False).indices  # (…, k)
    index = candidates[..., None, None].expand(*candidates.shape, *predictions.shape[-2:])
    rd_cost(original, predictions.gather(-3, index), qp)  # (…, k)
    return candidates[..., 0]


# === soft_targets_of_the_dearest
# Without the minus.
# fails: soft_targets_of_costs


# %% targets
def hard_targets(j: Tensor) -> Tensor:
    """The best mode of costs (…, M): (…) int64."""
    return j.argmin(dim=-1)


def soft_targets(j: Tensor, temperature: float) -> Tensor:
    """Probabilities (…, M) of costs (…, M): the softmax of -j / temperature."""
    return torch.softmax(j / temperature, dim=-1)


def cross_entropy(scores: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy of scores (N, M) with targets (N,) integers, or (N, M) probabilities: a scalar."""
    logarithms = torch.log_softmax(scores, dim=-1)
    if targets.ndim == 1:
        return -logarithms.gather(1, targets[:, None]).mean()
    return -(targets * logarithms).sum(dim=-1).mean()


# === soft_targets_over_the_blocks
# Softmax over the first dimension.
# fails: soft_targets_of_costs


# %% targets
def hard_targets(j: Tensor) -> Tensor:
    """The best mode of costs (…, M): (…) int64."""
    return j.argmin(dim=-1)


def soft_targets(j: Tensor, temperature: float) -> Tensor:
    """Probabilities (…, M) of costs (…, M): the softmax of -j / temperature."""
    return torch.softmax(-j / temperature, dim=0)


def cross_entropy(scores: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy of scores (N, M) with targets (N,) integers, or (N, M) probabilities: a scalar."""
    logarithms = torch.log_softmax(scores, dim=-1)
    if targets.ndim == 1:
        return -logarithms.gather(1, targets[:, None]).mean()
    return -(targets * logarithms).sum(dim=-1).mean()


# === soft_targets_times_temperature
# Multiplies by T.
# fails: soft_targets_of_costs


# %% targets
def hard_targets(j: Tensor) -> Tensor:
    """The best mode of costs (…, M): (…) int64."""
    return j.argmin(dim=-1)


def soft_targets(j: Tensor, temperature: float) -> Tensor:
    """Probabilities (…, M) of costs (…, M): the softmax of -j / temperature."""
    return torch.softmax(-j * temperature, dim=-1)


def cross_entropy(scores: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy of scores (N, M) with targets (N,) integers, or (N, M) probabilities: a scalar."""
    logarithms = torch.log_softmax(scores, dim=-1)
    if targets.ndim == 1:
        return -logarithms.gather(1, targets[:, None]).mean()
    return -(targets * logarithms).sum(dim=-1).mean()


# === soft_targets_underflow
# exp by hand: 0 / 0 for large costs.
# fails: soft_targets_of_large_costs


# %% targets
def hard_targets(j: Tensor) -> Tensor:
    """The best mode of costs (…, M): (…) int64."""
    return j.argmin(dim=-1)


def soft_targets(j: Tensor, temperature: float) -> Tensor:
    """Probabilities (…, M) of costs (…, M): the softmax of -j / temperature."""
    weights = torch.exp(-j / temperature)
    return weights / weights.sum(dim=-1, keepdim=True)


def cross_entropy(scores: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy of scores (N, M) with targets (N,) integers, or (N, M) probabilities: a scalar."""
    logarithms = torch.log_softmax(scores, dim=-1)
    if targets.ndim == 1:
        return -logarithms.gather(1, targets[:, None]).mean()
    return -(targets * logarithms).sum(dim=-1).mean()


# === search_by_sorting_and_masking
# The whole list sorted, all modes tried, those outside the list masked: nothing is saved.
# fails: best_of_a_short_list


# %% search
def search(original, predictions, guess, qp, k):
    places = guess.sort(dim=-1).indices.sort(dim=-1).indices
    j = rd_cost(original, predictions, qp)
    j[places >= k] = float("inf")
    return j.min(dim=-1).indices
