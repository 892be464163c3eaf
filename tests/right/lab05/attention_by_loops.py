"""Loops over queries, and a softmax by hand; the leading axes are flattened first."""


# %% attention
def attention(q, k, v, allowed=None):
    batch = torch.broadcast_shapes(q.shape[:-2], k.shape[:-2])
    queries, keys = q.shape[-2], k.shape[-2]
    if allowed is None:
        allowed = torch.ones(queries, keys, dtype=torch.bool)
    allowed = allowed.to(q.device).expand(*batch, queries, keys)
    rows = []
    for t in range(queries):
        s = (q[..., t : t + 1, :] * k).sum(dim=-1) * q.shape[-1] ** -0.5
        ok = allowed[..., t, :]
        top = s.detach().masked_fill(~ok, -1e30).max(dim=-1, keepdim=True).values
        e = torch.where(ok, s - top, torch.full_like(s, -800.0)).exp() * ok
        total = e.sum(dim=-1, keepdim=True)
        rows.append(e / torch.where(total > 0, total, torch.ones_like(total)))
    w = torch.stack(rows, dim=-2)
    return torch.einsum("...ts,...sd->...td", w, v), w
