"""The natural logarithm: nats, not bits."""
# fails: bits_of_flags


# %% flags
def wanted(off: Tensor, on: Tensor, original: Tensor, size: int) -> Tensor:
    """Pictures (N, H, W) uint8 without and with filter, and the originals: flags (N, ⌈H/size⌉, ⌈W/size⌉) bool."""
    height, width = original.shape[1:]
    gain = (off.float() - original.float()).square() - (on.float() - original.float()).square()
    gain = F.pad(gain, (0, -width % size, 0, -height % size))  # zeros gain nothing
    blocks = gain.unflatten(2, (-1, size)).unflatten(1, (-1, size))  # (N, R, size, C, size)
    return blocks.sum(dim=(2, 4)) > 0


def mixed(chosen: Tensor, off: Tensor, on: Tensor, size: int) -> Tensor:
    """The pictures (N, H, W) that the decoder puts out, given the flags (N, R, C)."""
    height, width = off.shape[1:]
    mask = chosen.repeat_interleave(size, dim=1).repeat_interleave(size, dim=2)[:, :height, :width]
    return torch.where(mask, on, off)


def ideal_bits(chosen: Tensor) -> Tensor:
    """Bits for the flags (N, R, C) of each picture: (N,) float64."""
    share = chosen.double().mean(dim=(1, 2))
    entropy = -(torch.xlogy(share, share) + torch.xlogy(1 - share, 1 - share))
    return entropy * chosen[0].numel()
