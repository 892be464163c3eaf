"""One product for self-attention, two for cross-attention; views and permutes; a normal start."""


# %% MultiHeadAttention
class MultiHeadAttention(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.h = heads
        self.register_parameter("in_proj_weight", nn.Parameter(torch.empty(3 * d, d)))
        nn.init.normal_(self.in_proj_weight, std=0.02)
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * d))
        self.out_proj = nn.Linear(d, d)

    def project(self, x, memory):
        N, T, d = x.shape
        W, b = self.in_proj_weight, self.in_proj_bias
        q = (x @ W[:d].T + b[:d]).view(N, T, self.h, d // self.h).permute(0, 2, 1, 3)
        kv = (memory @ W[d:].T + b[d:]).view(N, memory.shape[1], 2, self.h, d // self.h)
        k, v = kv.permute(2, 0, 3, 1, 4)
        return q, k, v

    def merge(self, y):
        N, h, T, c = y.shape
        return self.out_proj(y.permute(0, 2, 1, 3).contiguous().view(N, T, h * c))

    def forward(self, x, memory, allowed=None):
        return self.merge(attention(*self.project(x, memory), allowed)[0])
