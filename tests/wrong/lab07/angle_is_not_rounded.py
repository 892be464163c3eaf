"""Without the 16 before the shift."""
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
