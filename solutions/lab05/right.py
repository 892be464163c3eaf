"""Right answers to lab05 of another kind than the solution: each must get all points in the cells that it replaces."""


# === attention_by_loops
# Loops over queries, and a softmax by hand; the leading axes are flattened first.


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


# === attention_replaces_nan
# nan in empty rows is replaced after the softmax; masked_fill lets no gradient, and so no nan, through.


# %% attention
def attention(q, k, v, allowed=None):
    scores = torch.einsum("...td,...sd->...ts", q, k) / math.sqrt(q.shape[-1])
    if allowed is not None:
        scores = scores.masked_fill(~allowed, float("-inf"))
    weights = torch.nan_to_num(torch.softmax(scores, dim=-1), nan=0.0)
    return weights @ v, weights


# === attention_with_a_great_negative_number_that_warns
# -1e30 in place of minus infinity, empty rows by a product, a list for the pair, and a warning on every call.

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


# === decoder_that_writes_into_a_buffer
# Caches are changed in a list, the tokens are written into a buffer, and the prompt is sent first by itself.


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


# === heads_by_view_in_one_product
# One product for self-attention, two for cross-attention; views and permutes; a normal start.


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


# === heads_one_by_one
# A loop over the heads, matrices cut by index, plain names; everything in one einsum each.


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


# === layer_with_a_cache_in_a_list
# The cache is a list, filled into a larger tensor in place; no mask where one new place sees everything.


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


# === mask_by_tril_and_loops
# The triangle by tril with a diagonal, the lengths in a loop, in place.


# %% causal_mask
def causal_mask(queries, keys, past=0, lengths=None):
    triangle = torch.ones(queries, keys).tril(diagonal=past) > 0
    if lengths is None:
        return triangle
    every = triangle.repeat(len(lengths), 1, 1)
    for i, n in enumerate(lengths.tolist()):
        every[i, :, n:] = False
    return every.unsqueeze(1)


# === positions_by_loops
# Every number by itself with math.sin and math.cos; other loops around it.


# %% positions
def positions(start, stop, d):
    table = torch.zeros(stop - start, d, dtype=torch.float64)
    for row in range(stop - start):
        for channel in range(d):
            pair = channel - channel % 2
            angle = (start + row) * math.exp(-math.log(10_000.0) * pair / d)
            table[row, channel] = math.cos(angle) if channel % 2 else math.sin(angle)
    return table


# === positions_filled_in_place
# Even and odd channels are written by slices, in place.


# %% positions
def positions(start, stop, d):
    t = torch.arange(start, stop).double().unsqueeze(1)
    omega = torch.pow(10_000.0, -torch.arange(0, d, 2).double() / d)
    table = torch.empty(len(t), d, dtype=torch.double)
    table[:, 0::2] = torch.sin(t * omega)
    table[:, 1::2] = torch.cos(t * omega[: d // 2])
    return table
