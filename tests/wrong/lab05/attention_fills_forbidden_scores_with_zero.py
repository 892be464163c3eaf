"""A forbidden key gets the score 0, which is a score like any other."""
# fails: attention_under_masks


# %% attention
def attention(q, k, v, allowed=None):
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if allowed is not None:
        scores = scores.masked_fill(~allowed, 0)
    weights = scores.softmax(dim=-1)
    return weights @ v, weights
