"""The past is taken and never used."""
# fails: mask_after_a_past, layer_step_by_step


# %% causal_mask
def causal_mask(queries: int, keys: int, past: int = 0, lengths: Tensor | None = None) -> Tensor:
    mask = torch.arange(keys) <= torch.arange(queries)[:, None]  # (T, S)
    if lengths is None:
        return mask
    real = torch.arange(keys) < lengths.cpu()[:, None, None, None]  # (N, 1, 1, S)
    return mask & real
