"""One mask a sequence, but (N, T, S): it would be broadcast along the heads."""
# fails: mask_with_lengths


# %% causal_mask
def causal_mask(queries: int, keys: int, past: int = 0, lengths: Tensor | None = None) -> Tensor:
    mask = torch.arange(keys) <= past + torch.arange(queries)[:, None]  # (T, S)
    if lengths is None:
        return mask
    real = torch.arange(keys) < lengths.cpu()[:, None, None]  # (N, 1, 1, S)
    return mask & real
