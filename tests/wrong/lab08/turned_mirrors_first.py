"""Mirrors before it turns."""
# fails: orientations_of_patches


# %% training
def loss(filtered: Tensor, original: Tensor, error: Tensor) -> Tensor:
    """Mean over pictures (N, 1, H, W) of the mean squared error, each divided by `error` (N,): a scalar."""
    return ((filtered - original).square().mean(dim=(1, 2, 3)) / error).mean()


def not_flat(patches: Tensor, least: float = 4.0) -> Tensor:
    """Which of the patches (N, H, W) uint8 to keep: (N,) bool."""
    return patches.float().flatten(1).std(dim=1, correction=0) >= least


def turned(patches: Tensor, k: int) -> Tensor:
    """Orientation k, 0 to 7, of square patches (…, S, S)."""
    patches = patches.flip(-1) if k >= 4 else patches
    return torch.rot90(patches, k % 4, dims=(-2, -1))


def losers(decoded: Tensor, filtered: Tensor, original: Tensor) -> Tensor:
    """Where the filter has done harm: pictures (N, 1, H, W) in [0, 1] each, to (N,) bool; no change is no harm."""
    before = (decoded - original).square().mean(dim=(1, 2, 3))
    after = (filtered - original).square().mean(dim=(1, 2, 3))
    return after > before
