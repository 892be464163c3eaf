"""Minus infinity is added and nan replaced after the softmax: outputs are right, gradients are nan."""
# fails: attention_of_a_query_that_may_look_at_nothing


# %% attention
def attention(q, k, v, allowed=None):
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if allowed is not None:
        scores = scores + torch.zeros(allowed.shape, dtype=q.dtype).masked_fill(~allowed, -math.inf)
    weights = scores.softmax(dim=-1).nan_to_num(0)
    return weights @ v, weights
