"""True is read as "must not look", as nn.MultiheadAttention does."""
# fails: attention_under_masks


# %% attention
def attention(q: Tensor, k: Tensor, v: Tensor, allowed: Tensor | None = None) -> tuple[Tensor, Tensor]:
    scores = q @ k.mT / math.sqrt(q.shape[-1])  # (…, T, S)
    if allowed is None:
        weights = scores.softmax(dim=-1)
        return weights @ v, weights
    nothing = allowed.all(dim=-1, keepdim=True)  # (…, T, 1): a query that may look at nothing
    # Such a row is filled with scores that the softmax can bear, and emptied after it: no nan, no gradient.
    weights = scores.masked_fill(allowed & ~nothing, -math.inf).softmax(dim=-1).masked_fill(nothing, 0)
    return weights @ v, weights
