"""The scores of a head are divided by the root of d, not of d/h."""
# fails: self_attention_of_torch, cross_attention_and_masks_of_torch


# %% MultiHeadAttention
class MultiHeadAttention(nn.Module):
    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(3 * d, d)))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * d))
        self.out_proj = nn.Linear(d, d)

    def project(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        matrices, biases = self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3)
        q, k, v = (F.linear(*each) for each in zip((x, memory, memory), matrices, biases, strict=True))
        # (N, T, d) to (N, T, h, d/h) to (N, h, T, d/h): first cut the channels, then swap the axes.
        q, k, v = (each.unflatten(2, (self.heads, -1)).transpose(1, 2) for each in (q, k, v))
        return q, k, v

    def merge(self, y: Tensor) -> Tensor:
        return self.out_proj(y.transpose(1, 2).flatten(2))

    def forward(self, x: Tensor, memory: Tensor, allowed: Tensor | None = None) -> Tensor:
        q, k, v = self.project(x, memory)
        y, _ = attention(q / math.sqrt(self.heads), k, v, allowed)
        return self.merge(y)
