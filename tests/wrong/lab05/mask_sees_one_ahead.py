"""Off by one: a place sees the next one."""
# fails: mask_without_past, mask_after_a_past


# %% causal_mask
def causal_mask(queries: int, keys: int, past: int = 0, lengths: Tensor | None = None) -> Tensor:
    mask = torch.arange(keys) <= 1 + past + torch.arange(queries)[:, None]  # (T, S)
    if lengths is None:
        return mask
    real = torch.arange(keys) < lengths.cpu()[:, None, None, None]  # (N, 1, 1, S)
    return mask & real
