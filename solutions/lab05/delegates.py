"""Lab 05: answers that are the library's own, as short as can be. The rules must see every one of them."""

# === the_function_itself


# %% attention
def attention(q, k, v, allowed=None):
    identity = torch.eye(k.shape[-2], dtype=q.dtype).expand(*k.shape[:-2], -1, -1)
    weights = F.scaled_dot_product_attention(q, k, identity, attn_mask=allowed)
    return weights @ v, weights


# === the_operator_below_it


# %% attention
def attention(q, k, v, allowed=None):
    return torch.ops.aten._scaled_dot_product_attention_math(q, k, v, allowed)


# === the_mask_of_torch


# %% causal_mask
def causal_mask(queries, keys, past=0, lengths=None):
    mask = nn.Transformer.generate_square_subsequent_mask(past + max(queries, keys))
    mask = mask[past : past + queries, :keys] == 0
    return mask if lengths is None else mask & (torch.arange(keys) < lengths[:, None, None, None])


# === torchs_module_with_other_methods


# %% MultiHeadAttention
class MultiHeadAttention(nn.MultiheadAttention):
    def __init__(self, d, heads):
        super().__init__(d, heads, batch_first=True)
        self.heads = heads

    def project(self, x, memory):
        parts = zip((x, memory, memory), self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3))
        return tuple(F.linear(*part).unflatten(2, (self.heads, -1)).transpose(1, 2) for part in parts)

    def merge(self, y):
        return self.out_proj(y.transpose(1, 2).flatten(2))

    def forward(self, x, memory, allowed=None):
        return super().forward(x, memory, memory)[0]


# === the_function_below_torchs_module


# %% MultiHeadAttention
class MultiHeadAttention(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads, self.out_proj = heads, nn.Linear(d, d)
        self.in_proj_weight = nn.Parameter(torch.randn(3 * d, d) / d**0.5)
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * d))

    def project(self, x, memory):
        parts = zip((x, memory, memory), self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3))
        return tuple(F.linear(*part).unflatten(2, (self.heads, -1)).transpose(1, 2) for part in parts)

    def merge(self, y):
        return self.out_proj(y.transpose(1, 2).flatten(2))

    def forward(self, x, memory, allowed=None):
        x, memory = x.transpose(0, 1), memory.transpose(0, 1)
        y, _ = F.multi_head_attention_forward(
            x,
            memory,
            memory,
            x.shape[2],
            self.heads,
            self.in_proj_weight,
            self.in_proj_bias,
            None,
            None,
            False,
            0.0,
            self.out_proj.weight,
            self.out_proj.bias,
        )
        return y.transpose(0, 1)


# === torchs_layer_over_all_places


# %% DecoderLayer
class DecoderLayer(nn.TransformerEncoderLayer):
    def __init__(self, d, heads, hidden):
        super().__init__(d, heads, hidden, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)

    def forward(self, x, cache=None):
        seen = x if cache is None else torch.cat([cache[0], x], dim=1)
        mask = torch.ones(seen.shape[1], seen.shape[1], dtype=torch.bool).triu(1)
        return super().forward(seen, src_mask=mask)[:, -x.shape[1] :], (seen, seen)


# === torchs_layers_in_the_decoder


# %% Decoder
class Decoder(nn.Module):
    def __init__(self, vocabulary, d, heads, hidden, depth):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, d)
        options = {"dropout": 0.0, "activation": "gelu", "batch_first": True, "norm_first": True}
        self.layers = nn.ModuleList([nn.TransformerEncoderLayer(d, heads, hidden, **options) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, vocabulary)

    def forward(self, tokens, caches=None):
        seen = tokens if caches is None else torch.cat([caches[0], tokens], dim=1)
        x = self.embedding(seen)
        x = x + positions(0, x.shape[1], x.shape[2]).to(x)
        for layer in self.layers:
            x = layer(x, src_mask=torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1))
        return self.head(self.norm(x))[:, -tokens.shape[1] :], [seen] * len(self.layers)


def generate(model, prompt, length):
    tokens = prompt
    for _ in range(length):
        tokens = torch.cat([tokens, model(tokens)[0][:, -1:].argmax(dim=-1)], dim=1)
    return tokens
