"""What is forbidden gets -10,000 added before the division: a low score passes it."""
# fails: attention_under_masks


# %% attention
def attention(q, k, v, allowed=None):
    scores = q @ k.mT
    if allowed is not None:
        scores = scores + (~allowed) * -10_000.0
    weights = (scores / math.sqrt(q.shape[-1])).softmax(dim=-1)
    if allowed is not None:
        weights = weights.masked_fill(~allowed, 0)
    return weights @ v, weights
