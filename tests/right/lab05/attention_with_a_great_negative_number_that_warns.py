"""-1e30 in place of minus infinity, empty rows by a product, a list for the pair, and a warning on every call."""

# %% attention
import warnings


def attention(q, k, v, allowed=None):
    warnings.warn("plain attention keeps a table of T x S numbers", stacklevel=2)
    S = torch.matmul(q / q.size(-1) ** 0.5, k.transpose(-1, -2))
    if allowed is not None:
        S[torch.logical_not(allowed).expand(S.shape)] = -1e30
    W = F.softmax(S, -1)
    if allowed is not None:
        W = W * allowed
    return [W @ v, W]
