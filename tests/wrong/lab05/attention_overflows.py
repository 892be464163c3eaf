"""The softmax by hand, without taking away the greatest score first."""
# fails: attention_of_every_shape


# %% attention
def attention(q, k, v, allowed=None):
    powers = (q @ k.mT / math.sqrt(q.shape[-1])).exp()
    if allowed is not None:
        powers = powers * allowed
    weights = powers / powers.sum(dim=-1, keepdim=True).clamp(min=1e-300)
    return weights @ v, weights
