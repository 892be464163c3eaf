"""-1e9 in place of minus infinity: an empty row becomes the mean of all values."""
# fails: attention_of_a_query_that_may_look_at_nothing


# %% attention
def attention(q, k, v, allowed=None):
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if allowed is not None:
        scores = scores.masked_fill(~allowed, -1e9)
    weights = scores.softmax(dim=-1)
    return weights @ v, weights
