"""A query that may look at nothing gets nan, as in older versions of torch."""
# fails: attention_of_a_query_that_may_look_at_nothing


# %% attention
def attention(q, k, v, allowed=None):
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if allowed is not None:
        scores = scores.masked_fill(~allowed, -math.inf)
    weights = scores.softmax(dim=-1)
    return weights @ v, weights
