"""Caches are changed in a list, the tokens are written into a buffer, and the prompt is sent first by itself."""


# %% Decoder
class Decoder(nn.Module):
    def __init__(self, vocabulary, d, heads, hidden, depth):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, d)
        self.layers = nn.ModuleList(DecoderLayer(d, heads, hidden) for _ in range(depth))
        self.norm = nn.LayerNorm(d)
        self.head = nn.Linear(d, vocabulary)

    def forward(self, tokens, caches=None):
        caches = list(caches) if caches else [None for _ in self.layers]
        seen = caches[0][0].size(2) if caches[0] is not None else 0
        here = positions(0, seen + tokens.size(1), self.embedding.embedding_dim)[seen:]
        x = self.embedding(tokens) + here.to(dtype=self.head.weight.dtype, device=tokens.device)
        for i, layer in enumerate(self.layers):
            x, caches[i] = layer(x, caches[i])
        return self.head(self.norm(x)), tuple(caches)


def generate(model, prompt, length):
    buffer = torch.cat([prompt, prompt.new_zeros(len(prompt), length)], dim=1)
    with torch.inference_mode():
        scores, caches = model(prompt)
        for place in range(prompt.shape[1], buffer.shape[1]):
            buffer[:, place] = scores[:, -1].max(dim=-1).indices
            scores, caches = model(buffer[:, place : place + 1], caches)
    return buffer
