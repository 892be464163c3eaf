"""Slow and right: the whole text goes through the network for each token. The visible check asks for more."""


# %% Decoder
class Decoder(nn.Module):
    def __init__(self, vocabulary: int, d: int, heads: int, hidden: int, depth: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, d)
        self.layers = nn.ModuleList([DecoderLayer(d, heads, hidden) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, vocabulary)

    def forward(self, tokens: Tensor, caches: list | None = None) -> tuple[Tensor, list]:
        caches = [None] * len(self.layers) if caches is None else caches
        past = 0 if caches[0] is None else caches[0][0].shape[2]
        x = self.embedding(tokens)  # (N, T, d)
        x = x + positions(past, past + x.shape[1], x.shape[2]).to(x)
        longer = []
        for layer, cache in zip(self.layers, caches, strict=True):
            x, cache = layer(x, cache)
            longer.append(cache)
        return self.head(self.norm(x)), longer


@torch.no_grad()
def generate(model: Decoder, prompt: Tensor, length: int) -> Tensor:
    tokens = prompt
    for _ in range(length):
        scores, _ = model(tokens)
        new = scores[:, -1].argmax(dim=-1, keepdim=True)  # (N, 1)
        tokens = torch.cat([tokens, new], dim=1)
    return tokens
