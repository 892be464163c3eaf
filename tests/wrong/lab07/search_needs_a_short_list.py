"""topk fails where k exceeds the number of modes."""
# fails: long_lists


# %% search
def search(original: Tensor, predictions: Tensor, guess: Tensor, qp: int, k: int) -> Tensor:
    """Mode (…) with the least J among the k least of guess (…, M); blocks (…, n, n), predictions (…, M, n, n)."""
    candidates = guess.topk(k, dim=-1, largest=False).indices  # (…, k)
    index = candidates[..., None, None].expand(*candidates.shape, *predictions.shape[-2:])
    j = rd_cost(original, predictions.gather(-3, index), qp)  # (…, k)
    return candidates.gather(-1, j.argmin(dim=-1, keepdim=True)).squeeze(-1)
