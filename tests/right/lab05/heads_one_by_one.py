"""A loop over the heads, matrices cut by index, plain names; everything in one einsum each."""


# %% MultiHeadAttention
def _one_head(x, weight, bias):
    return torch.einsum("ntd,ed->nte", x, weight) + bias


class MultiHeadAttention(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        assert d % heads == 0
        self.heads, self.d, self.size = heads, d, d // heads
        self.in_proj_weight = nn.Parameter(torch.randn(3 * d, d) / d**0.5)
        self.in_proj_bias = nn.Parameter(0.01 * torch.randn(3 * d))
        self.out_proj = nn.Linear(d, d)

    def project(self, x, memory):
        found = []
        for part, source in enumerate((x, memory, memory)):
            heads = []
            for i in range(self.heads):
                first = part * self.d + i * self.size
                rows = slice(first, first + self.size)
                heads.append(_one_head(source, self.in_proj_weight[rows], self.in_proj_bias[rows]))
            found.append(torch.stack(heads, dim=1))
        return found

    def merge(self, y):
        return self.out_proj(torch.cat(list(y.unbind(dim=1)), dim=-1))

    def forward(self, x, memory, allowed=None):
        q, k, v = self.project(x, memory)
        if allowed is not None:
            allowed = allowed.expand(*q.shape[:3], k.shape[2])
        outputs = [
            attention(q[:, i], k[:, i], v[:, i], None if allowed is None else allowed[:, i])[0]
            for i in range(self.heads)
        ]
        return self.merge(torch.stack(outputs, dim=1))
