"""The cache is a list, filled into a larger tensor in place; no mask where one new place sees everything."""


# %% DecoderLayer
class DecoderLayer(nn.Module):
    def __init__(self, d, heads, hidden):
        super().__init__()
        self.norm1 = nn.LayerNorm(d)
        self.self_attn = MultiHeadAttention(d, heads)
        self.norm2 = nn.LayerNorm(d)
        self.linear1 = nn.Linear(d, hidden)
        self.linear2 = nn.Linear(hidden, d)

    def _longer(self, old, new):
        if old is None:
            return new
        room = new.new_empty(*new.shape[:2], old.shape[2] + new.shape[2], new.shape[3])
        room[:, :, : old.shape[2]] = old
        room[:, :, old.shape[2] :] = new
        return room

    def forward(self, x, cache=None):
        old_k, old_v = cache or (None, None)
        h = self.norm1(x)
        q, k, v = self.self_attn.project(h, h)
        k, v = self._longer(old_k, k), self._longer(old_v, v)
        T, S = q.shape[2], k.shape[2]
        mask = None if T == 1 else torch.ones(T, S, dtype=torch.bool, device=x.device).tril(S - T)
        y = x + self.self_attn.merge(attention(q, k, v, mask)[0])
        return y + self.linear2(F.gelu(self.linear1(self.norm2(y)))), [k, v]
