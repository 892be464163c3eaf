"""No search: the first of the list."""
# fails: best_of_a_short_list


# %% search
def search(original: Tensor, predictions: Tensor, guess: Tensor, qp: int, k: int) -> Tensor:
    """Mode (…) with the least J among the k least of guess (…, M); blocks (…, n, n), predictions (…, M, n, n)."""
    k = min(k, guess.shape[-1])
    candidates = guess.topk(k, dim=-1, largest=False).indices  # (…, k)
    index = candidates[..., None, None].expand(*candidates.shape, *predictions.shape[-2:])
    rd_cost(original, predictions.gather(-3, index), qp)  # (…, k)
    return candidates[..., 0]
