"""Weights are set to zero after the softmax: the rows sum to less than one."""
# fails: attention_under_masks


# %% attention
def attention(q, k, v, allowed=None):
    weights = (q @ k.mT / math.sqrt(q.shape[-1])).softmax(dim=-1)
    if allowed is not None:
        weights = weights.masked_fill(~allowed, 0)
    return weights @ v, weights
