"""The corner keeps what the column left there."""
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
