"""nan in empty rows is replaced after the softmax; masked_fill lets no gradient, and so no nan, through."""


# %% attention
def attention(q, k, v, allowed=None):
    scores = torch.einsum("...td,...sd->...ts", q, k) / math.sqrt(q.shape[-1])
    if allowed is not None:
        scores = scores.masked_fill(~allowed, float("-inf"))
    weights = torch.nan_to_num(torch.softmax(scores, dim=-1), nan=0.0)
    return weights @ v, weights
