"""The cache is detached before it is used: in training, keys and values learn nothing."""
# fails: layer_gradients


# %% DecoderLayer
class DecoderLayer(nn.Module):
    def __init__(self, d: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.self_attn = MultiHeadAttention(d, heads)
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.linear1, self.linear2 = nn.Linear(d, hidden), nn.Linear(hidden, d)

    def feed_forward(self, x: Tensor) -> Tensor:
        return self.linear2(F.gelu(self.linear1(x)))

    def forward(self, x: Tensor, cache: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        normed = self.norm1(x)
        q, k, v = self.self_attn.project(normed, normed)
        k, v, past = k.detach(), v.detach(), 0
        if cache is not None:
            past = cache[0].shape[2]
            k, v = torch.cat([cache[0], k], dim=2), torch.cat([cache[1], v], dim=2)  # (N, h, P + T, d/h)
        allowed = causal_mask(x.shape[1], k.shape[2], past=past).to(x.device)
        x = x + self.self_attn.merge(attention(q, k, v, allowed)[0])
        return x + self.feed_forward(self.norm2(x)), (k, v)
