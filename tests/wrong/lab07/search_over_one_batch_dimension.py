"""Written for (N, M)."""
# fails: searches_in_every_batch


# %% search
def search(original: Tensor, predictions: Tensor, guess: Tensor, qp: int, k: int) -> Tensor:
    """Mode (…) with the least J among the k least of guess (…, M); blocks (…, n, n), predictions (…, M, n, n)."""
    k = min(k, guess.shape[-1])
    candidates = guess.topk(k, dim=-1, largest=False).indices  # (…, k)
    rows = torch.arange(len(original))[:, None]
    j = rd_cost(original, predictions[rows, candidates], qp)  # (…, k)
    return candidates.gather(-1, j.argmin(dim=-1, keepdim=True)).squeeze(-1)
