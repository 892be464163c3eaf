"""Wrong answers to lab05: for each the hidden tests that must notice it, and the solution cells that it replaces."""


# === attention_adds_a_small_number
# What is forbidden gets -10,000 added before the division: a low score passes it.
# fails: attention_under_masks


# %% attention
def attention(q, k, v, allowed=None):
    scores = q @ k.mT
    if allowed is not None:
        scores = scores + (~allowed) * -10_000.0
    weights = (scores / math.sqrt(q.shape[-1])).softmax(dim=-1)
    if allowed is not None:
        weights = weights.masked_fill(~allowed, 0)
    return weights @ v, weights


# === attention_detached_weights
# The weights are constants to autograd: queries and keys learn nothing.
# fails: attention_gradients, gradients_of_torch


# %% attention
def attention(q, k, v, allowed=None):
    with torch.no_grad():
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        if allowed is not None:
            scores = scores.masked_fill(~allowed, -math.inf)
        weights = scores.softmax(dim=-1).nan_to_num(0)
    return weights @ v, weights


# === attention_divides_by_d
# The scores are divided by d_k, not by its root.
# fails: attention_of_every_shape, attention_under_masks


# %% attention
def attention(q: Tensor, k: Tensor, v: Tensor, allowed: Tensor | None = None) -> tuple[Tensor, Tensor]:
    scores = q @ k.mT / q.shape[-1]  # (…, T, S)
    if allowed is None:
        weights = scores.softmax(dim=-1)
        return weights @ v, weights
    nothing = ~allowed.any(dim=-1, keepdim=True)  # (…, T, 1): a query that may look at nothing
    # Such a row is filled with scores that the softmax can bear, and emptied after it: no nan, no gradient.
    weights = scores.masked_fill(~(allowed | nothing), -math.inf).softmax(dim=-1).masked_fill(nothing, 0)
    return weights @ v, weights


# === attention_even_in_empty_rows
# -1e9 in place of minus infinity: an empty row becomes the mean of all values.
# fails: attention_of_a_query_that_may_look_at_nothing


# %% attention
def attention(q, k, v, allowed=None):
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if allowed is not None:
        scores = scores.masked_fill(~allowed, -1e9)
    weights = scores.softmax(dim=-1)
    return weights @ v, weights


# === attention_fills_forbidden_scores_with_zero
# A forbidden key gets the score 0, which is a score like any other.
# fails: attention_under_masks


# %% attention
def attention(q, k, v, allowed=None):
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if allowed is not None:
        scores = scores.masked_fill(~allowed, 0)
    weights = scores.softmax(dim=-1)
    return weights @ v, weights


# === attention_for_four_axes_only
# Transposes axes 2 and 3 by number: other numbers of axes fail.
# fails: attention_of_every_shape


# %% attention
def attention(q, k, v, allowed=None):
    scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[3])
    if allowed is None:
        allowed = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool, device=q.device)
    nothing = ~allowed.any(dim=-1, keepdim=True)
    weights = scores.masked_fill(~(allowed | nothing), -math.inf).softmax(dim=-1).masked_fill(nothing, 0)
    return weights @ v, weights


# === attention_hides_the_nan
# Minus infinity is added and nan replaced after the softmax: outputs are right, gradients are nan.
# fails: attention_of_a_query_that_may_look_at_nothing


# %% attention
def attention(q, k, v, allowed=None):
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if allowed is not None:
        scores = scores + torch.zeros(allowed.shape, dtype=q.dtype).masked_fill(~allowed, -math.inf)
    weights = scores.softmax(dim=-1).nan_to_num(0)
    return weights @ v, weights


# === attention_mask_turned_round
# True is read as "must not look", as nn.MultiheadAttention does.
# fails: attention_under_masks


# %% attention
def attention(q: Tensor, k: Tensor, v: Tensor, allowed: Tensor | None = None) -> tuple[Tensor, Tensor]:
    scores = q @ k.mT / math.sqrt(q.shape[-1])  # (…, T, S)
    if allowed is None:
        weights = scores.softmax(dim=-1)
        return weights @ v, weights
    nothing = allowed.all(dim=-1, keepdim=True)  # (…, T, 1): a query that may look at nothing
    # Such a row is filled with scores that the softmax can bear, and emptied after it: no nan, no gradient.
    weights = scores.masked_fill(allowed & ~nothing, -math.inf).softmax(dim=-1).masked_fill(nothing, 0)
    return weights @ v, weights


# === attention_masks_after_the_softmax
# Weights are set to zero after the softmax: the rows sum to less than one.
# fails: attention_under_masks


# %% attention
def attention(q, k, v, allowed=None):
    weights = (q @ k.mT / math.sqrt(q.shape[-1])).softmax(dim=-1)
    if allowed is not None:
        weights = weights.masked_fill(~allowed, 0)
    return weights @ v, weights


# === attention_nan_in_empty_rows
# A query that may look at nothing gets nan, as in older versions of torch.
# fails: attention_of_a_query_that_may_look_at_nothing


# %% attention
def attention(q, k, v, allowed=None):
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if allowed is not None:
        scores = scores.masked_fill(~allowed, -math.inf)
    weights = scores.softmax(dim=-1)
    return weights @ v, weights


# === attention_overflows
# The softmax by hand, without taking away the greatest score first.
# fails: attention_of_every_shape


# %% attention
def attention(q, k, v, allowed=None):
    powers = (q @ k.mT / math.sqrt(q.shape[-1])).exp()
    if allowed is not None:
        powers = powers * allowed
    weights = powers / powers.sum(dim=-1, keepdim=True).clamp(min=1e-300)
    return weights @ v, weights


# === attention_scales_by_the_values
# Takes the root of the size of a value.
# fails: attention_of_every_shape, attention_gradients


# %% attention
def attention(q: Tensor, k: Tensor, v: Tensor, allowed: Tensor | None = None) -> tuple[Tensor, Tensor]:
    scores = q @ k.mT / math.sqrt(v.shape[-1])  # (…, T, S)
    if allowed is None:
        weights = scores.softmax(dim=-1)
        return weights @ v, weights
    nothing = ~allowed.any(dim=-1, keepdim=True)  # (…, T, 1): a query that may look at nothing
    # Such a row is filled with scores that the softmax can bear, and emptied after it: no nan, no gradient.
    weights = scores.masked_fill(~(allowed | nothing), -math.inf).softmax(dim=-1).masked_fill(nothing, 0)
    return weights @ v, weights


# === attention_softmax_over_the_queries
# The softmax runs over the queries: the columns sum to one.
# fails: attention_of_every_shape


# %% attention
def attention(q: Tensor, k: Tensor, v: Tensor, allowed: Tensor | None = None) -> tuple[Tensor, Tensor]:
    scores = q @ k.mT / math.sqrt(q.shape[-1])  # (…, T, S)
    if allowed is None:
        weights = scores.softmax(dim=-2)
        return weights @ v, weights
    nothing = ~allowed.any(dim=-1, keepdim=True)  # (…, T, 1): a query that may look at nothing
    # Such a row is filled with scores that the softmax can bear, and emptied after it: no nan, no gradient.
    weights = scores.masked_fill(~(allowed | nothing), -math.inf).softmax(dim=-2).masked_fill(nothing, 0)
    return weights @ v, weights


# === attention_without_scale
# The scores are not divided by the root of d_k.
# fails: attention_of_every_shape, attention_gradients


# %% attention
def attention(q: Tensor, k: Tensor, v: Tensor, allowed: Tensor | None = None) -> tuple[Tensor, Tensor]:
    scores = q @ k.mT  # (…, T, S)
    if allowed is None:
        weights = scores.softmax(dim=-1)
        return weights @ v, weights
    nothing = ~allowed.any(dim=-1, keepdim=True)  # (…, T, 1): a query that may look at nothing
    # Such a row is filled with scores that the softmax can bear, and emptied after it: no nan, no gradient.
    weights = scores.masked_fill(~(allowed | nothing), -math.inf).softmax(dim=-1).masked_fill(nothing, 0)
    return weights @ v, weights


# === cache_before_the_norm
# Keys and values are made of what came in, not of what was normed.
# fails: layer_at_once


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
        q, k, v = self.self_attn.project(normed, x)
        past = 0
        if cache is not None:
            past = cache[0].shape[2]
            k, v = torch.cat([cache[0], k], dim=2), torch.cat([cache[1], v], dim=2)  # (N, h, P + T, d/h)
        allowed = causal_mask(x.shape[1], k.shape[2], past=past).to(x.device)
        x = x + self.self_attn.merge(attention(q, k, v, allowed)[0])
        return x + self.feed_forward(self.norm2(x)), (k, v)


# === cache_behind_the_new_keys
# The cache is appended behind the new keys: steps of one token do not show it, the mask of a longer piece does.
# fails: layer_step_by_step, layer_in_pieces


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
        past = 0
        if cache is not None:
            past = cache[0].shape[2]
            k, v = torch.cat([k, cache[0]], dim=2), torch.cat([v, cache[1]], dim=2)  # (N, h, P + T, d/h)
        allowed = causal_mask(x.shape[1], k.shape[2], past=past).to(x.device)
        x = x + self.self_attn.merge(attention(q, k, v, allowed)[0])
        return x + self.feed_forward(self.norm2(x)), (k, v)


# === cache_holds_the_new_places_only
# The cache that is returned holds what this piece added.
# fails: layer_step_by_step, layer_in_pieces


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
        new = (k, v)
        past = 0
        if cache is not None:
            past = cache[0].shape[2]
            k, v = torch.cat([cache[0], k], dim=2), torch.cat([cache[1], v], dim=2)  # (N, h, P + T, d/h)
        allowed = causal_mask(x.shape[1], k.shape[2], past=past).to(x.device)
        x = x + self.self_attn.merge(attention(q, k, v, allowed)[0])
        return x + self.feed_forward(self.norm2(x)), new


# === cache_keys_in_place_of_values
# A slip of copying: the old keys are put before the new values, too.
# fails: layer_step_by_step, layer_in_pieces


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
        past = 0
        if cache is not None:
            past = cache[0].shape[2]
            k, v = torch.cat([cache[0], k], dim=2), torch.cat([cache[0], v], dim=2)  # (N, h, P + T, d/h)
        allowed = causal_mask(x.shape[1], k.shape[2], past=past).to(x.device)
        x = x + self.self_attn.merge(attention(q, k, v, allowed)[0])
        return x + self.feed_forward(self.norm2(x)), (k, v)


# === decoder_adds_positions_in_each_layer
# Positions are added before each layer, not once.
# fails: decoder_at_once


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
            x, cache = layer(x + positions(past, past + x.shape[1], x.shape[2]).to(x), cache)
            longer.append(cache)
        return self.head(self.norm(x)), longer


@torch.no_grad()
def generate(model: Decoder, prompt: Tensor, length: int) -> Tensor:
    tokens, new, caches = prompt, prompt, None
    for _ in range(length):
        scores, caches = model(new, caches)
        new = scores[:, -1].argmax(dim=-1, keepdim=True)  # (N, 1)
        tokens = torch.cat([tokens, new], dim=1)
    return tokens


# === decoder_counts_one_too_many
# Off by one: with a cache the positions go on one place too late.
# fails: decoder_in_pieces, generated_tokens


# %% Decoder
class Decoder(nn.Module):
    def __init__(self, vocabulary: int, d: int, heads: int, hidden: int, depth: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, d)
        self.layers = nn.ModuleList([DecoderLayer(d, heads, hidden) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, vocabulary)

    def forward(self, tokens: Tensor, caches: list | None = None) -> tuple[Tensor, list]:
        caches = [None] * len(self.layers) if caches is None else caches
        past = 0 if caches[0] is None else caches[0][0].shape[2] + 1
        x = self.embedding(tokens)  # (N, T, d)
        x = x + positions(past, past + x.shape[1], x.shape[2]).to(x)
        longer = []
        for layer, cache in zip(self.layers, caches, strict=True):
            x, cache = layer(x, cache)
            longer.append(cache)
        return self.head(self.norm(x)), longer


@torch.no_grad()
def generate(model: Decoder, prompt: Tensor, length: int) -> Tensor:
    tokens, new, caches = prompt, prompt, None
    for _ in range(length):
        scores, caches = model(new, caches)
        new = scores[:, -1].argmax(dim=-1, keepdim=True)  # (N, 1)
        tokens = torch.cat([tokens, new], dim=1)
    return tokens


# === decoder_one_cache_for_all_layers
# Every layer gets the cache of the first.
# fails: decoder_in_pieces


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
            x, cache = layer(x, caches[0])
            longer.append(cache)
        return self.head(self.norm(x)), longer


@torch.no_grad()
def generate(model: Decoder, prompt: Tensor, length: int) -> Tensor:
    tokens, new, caches = prompt, prompt, None
    for _ in range(length):
        scores, caches = model(new, caches)
        new = scores[:, -1].argmax(dim=-1, keepdim=True)  # (N, 1)
        tokens = torch.cat([tokens, new], dim=1)
    return tokens


# === decoder_starts_again_at_zero
# The positions start at 0 in each call: right at once, wrong in steps.
# fails: decoder_in_pieces, generated_tokens


# %% Decoder
class Decoder(nn.Module):
    def __init__(self, vocabulary: int, d: int, heads: int, hidden: int, depth: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, d)
        self.layers = nn.ModuleList([DecoderLayer(d, heads, hidden) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, vocabulary)

    def forward(self, tokens: Tensor, caches: list | None = None) -> tuple[Tensor, list]:
        caches = [None] * len(self.layers) if caches is None else caches
        x = self.embedding(tokens)  # (N, T, d)
        x = x + positions(0, x.shape[1], x.shape[2]).to(x)
        longer = []
        for layer, cache in zip(self.layers, caches, strict=True):
            x, cache = layer(x, cache)
            longer.append(cache)
        return self.head(self.norm(x)), longer


@torch.no_grad()
def generate(model: Decoder, prompt: Tensor, length: int) -> Tensor:
    tokens, new, caches = prompt, prompt, None
    for _ in range(length):
        scores, caches = model(new, caches)
        new = scores[:, -1].argmax(dim=-1, keepdim=True)  # (N, 1)
        tokens = torch.cat([tokens, new], dim=1)
    return tokens


# === decoder_without_the_last_norm
# The last norm exists and is never used.
# fails: decoder_at_once


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
        return self.head(x), longer


@torch.no_grad()
def generate(model: Decoder, prompt: Tensor, length: int) -> Tensor:
    tokens, new, caches = prompt, prompt, None
    for _ in range(length):
        scores, caches = model(new, caches)
        new = scores[:, -1].argmax(dim=-1, keepdim=True)  # (N, 1)
        tokens = torch.cat([tokens, new], dim=1)
    return tokens


# === generate_forgets_the_prompt_in_the_cache
# The cache of the prompt is thrown away: each step sees one token.
# fails: generated_tokens


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
    tokens, new = prompt, prompt
    for _ in range(length):
        scores, _ = model(new)
        new = scores[:, -1].argmax(dim=-1, keepdim=True)  # (N, 1)
        tokens = torch.cat([tokens, new], dim=1)
    return tokens


# === generate_sends_everything_again
# The whole text goes in at each step, and the cache as well: every place is there twice.
# fails: generated_tokens


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
    tokens, caches = prompt, None
    for _ in range(length):
        scores, caches = model(tokens, caches)
        new = scores[:, -1].argmax(dim=-1, keepdim=True)  # (N, 1)
        tokens = torch.cat([tokens, new], dim=1)
    return tokens


# === generate_takes_the_first_place
# The score of the first place of a piece is taken, not that of the last.
# fails: generated_tokens


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
    tokens, new, caches = prompt, prompt, None
    for _ in range(length):
        scores, caches = model(new, caches)
        new = scores[:, 0].argmax(dim=-1, keepdim=True)  # (N, 1)
        tokens = torch.cat([tokens, new], dim=1)
    return tokens


# === heads_ask_the_memory_only
# Queries come from the memory: right in self-attention alone.
# fails: heads_are_channels, cross_attention_and_masks_of_torch


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
        q, k, v = (F.linear(*each) for each in zip((memory, memory, memory), matrices, biases, strict=True))
        # (N, T, d) to (N, T, h, d/h) to (N, h, T, d/h): first cut the channels, then swap the axes.
        q, k, v = (each.unflatten(2, (self.heads, -1)).transpose(1, 2) for each in (q, k, v))
        return q, k, v

    def merge(self, y: Tensor) -> Tensor:
        return self.out_proj(y.transpose(1, 2).flatten(2))

    def forward(self, x: Tensor, memory: Tensor, allowed: Tensor | None = None) -> Tensor:
        y, _ = attention(*self.project(x, memory), allowed)
        return self.merge(y)


# === heads_by_one_view
# The heads by one view, without the swap: places and channels are mixed.
# fails: heads_are_channels, self_attention_of_torch


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
        q, k, v = (each.reshape(len(each), self.heads, each.shape[1], -1) for each in (q, k, v))
        return q, k, v

    def merge(self, y: Tensor) -> Tensor:
        return self.out_proj(y.transpose(1, 2).flatten(2))

    def forward(self, x: Tensor, memory: Tensor, allowed: Tensor | None = None) -> Tensor:
        y, _ = attention(*self.project(x, memory), allowed)
        return self.merge(y)


# === heads_drop_the_bias
# The three input biases are dropped; as they start at zero, nobody notices.
# fails: heads_are_channels, gradients_of_torch


# %% MultiHeadAttention
class MultiHeadAttention(nn.Module):
    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(3 * d, d)))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * d))
        self.out_proj = nn.Linear(d, d)

    def project(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        matrices = self.in_proj_weight.chunk(3)
        q, k, v = (F.linear(*each) for each in zip((x, memory, memory), matrices, strict=True))
        # (N, T, d) to (N, T, h, d/h) to (N, h, T, d/h): first cut the channels, then swap the axes.
        q, k, v = (each.unflatten(2, (self.heads, -1)).transpose(1, 2) for each in (q, k, v))
        return q, k, v

    def merge(self, y: Tensor) -> Tensor:
        return self.out_proj(y.transpose(1, 2).flatten(2))

    def forward(self, x: Tensor, memory: Tensor, allowed: Tensor | None = None) -> Tensor:
        y, _ = attention(*self.project(x, memory), allowed)
        return self.merge(y)


# === heads_forget_the_mask
# The mask is taken and never passed on.
# fails: cross_attention_and_masks_of_torch


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
        y, _ = attention(*self.project(x, memory))
        return self.merge(y)


# === heads_interleaved
# Head i takes every h-th channel.
# fails: heads_are_channels


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
        q, k, v = (each.unflatten(2, (-1, self.heads)).permute(0, 3, 1, 2) for each in (q, k, v))
        return q, k, v

    def merge(self, y: Tensor) -> Tensor:
        return self.out_proj(y.permute(0, 2, 3, 1).flatten(2))

    def forward(self, x: Tensor, memory: Tensor, allowed: Tensor | None = None) -> Tensor:
        y, _ = attention(*self.project(x, memory), allowed)
        return self.merge(y)


# === heads_keys_and_values_exchanged
# The packed matrices are read in the order query, value, key.
# fails: heads_are_channels, self_attention_of_torch


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
        q, v, k = (F.linear(*each) for each in zip((x, memory, memory), matrices, biases, strict=True))
        # (N, T, d) to (N, T, h, d/h) to (N, h, T, d/h): first cut the channels, then swap the axes.
        q, k, v = (each.unflatten(2, (self.heads, -1)).transpose(1, 2) for each in (q, k, v))
        return q, k, v

    def merge(self, y: Tensor) -> Tensor:
        return self.out_proj(y.transpose(1, 2).flatten(2))

    def forward(self, x: Tensor, memory: Tensor, allowed: Tensor | None = None) -> Tensor:
        y, _ = attention(*self.project(x, memory), allowed)
        return self.merge(y)


# === heads_merged_without_the_swap
# The heads are put together without the swap of the axes.
# fails: heads_are_channels, self_attention_of_torch


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
        return self.out_proj(y.reshape(y.shape[0], y.shape[2], -1))

    def forward(self, x: Tensor, memory: Tensor, allowed: Tensor | None = None) -> Tensor:
        y, _ = attention(*self.project(x, memory), allowed)
        return self.merge(y)


# === heads_share_the_scale_of_all_channels
# The scores of a head are divided by the root of d, not of d/h.
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


# === heads_start_at_zero
# The packed matrix starts at zero: every head looks at all places alike.
# fails: parameters_of_torch


# %% MultiHeadAttention
class MultiHeadAttention(nn.Module):
    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.zeros(3 * d, d))
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
        y, _ = attention(*self.project(x, memory), allowed)
        return self.merge(y)


# === heads_values_of_x
# The values come from the one who asks.
# fails: cross_attention_and_masks_of_torch


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
        q, k, v = (F.linear(*each) for each in zip((x, memory, x), matrices, biases, strict=True))
        # (N, T, d) to (N, T, h, d/h) to (N, h, T, d/h): first cut the channels, then swap the axes.
        q, k, v = (each.unflatten(2, (self.heads, -1)).transpose(1, 2) for each in (q, k, v))
        return q, k, v

    def merge(self, y: Tensor) -> Tensor:
        return self.out_proj(y.transpose(1, 2).flatten(2))

    def forward(self, x: Tensor, memory: Tensor, allowed: Tensor | None = None) -> Tensor:
        y, _ = attention(*self.project(x, memory), allowed)
        return self.merge(y)


# === heads_weights_not_registered
# The packed matrix is a plain tensor: no optimiser will find it.
# fails: parameters_of_torch


# %% MultiHeadAttention
class MultiHeadAttention(nn.Module):
    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.init.xavier_uniform_(torch.empty(3 * d, d))
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
        y, _ = attention(*self.project(x, memory), allowed)
        return self.merge(y)


# === heads_without_output_projection
# The output projection exists and is never used.
# fails: heads_are_channels, self_attention_of_torch, gradients_of_torch


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
        return y.transpose(1, 2).flatten(2)

    def forward(self, x: Tensor, memory: Tensor, allowed: Tensor | None = None) -> Tensor:
        y, _ = attention(*self.project(x, memory), allowed)
        return self.merge(y)


# === layer_detaches_keys_and_values
# The cache is detached before it is used: in training, keys and values learn nothing.
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


# === layer_masks_the_first_piece_only
# With a cache there is no mask: a second piece of several tokens looks ahead.
# fails: layer_in_pieces


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
        past = 0
        if cache is not None:
            past = cache[0].shape[2]
            k, v = torch.cat([cache[0], k], dim=2), torch.cat([cache[1], v], dim=2)  # (N, h, P + T, d/h)
        allowed = None if cache is not None else causal_mask(x.shape[1], k.shape[2], past=past).to(x.device)
        x = x + self.self_attn.merge(attention(q, k, v, allowed)[0])
        return x + self.feed_forward(self.norm2(x)), (k, v)


# === layer_masks_without_the_past
# The mask starts at the top left, as is_causal does: a new token sees the first place only.
# fails: layer_step_by_step, layer_in_pieces


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
        if cache is not None:
            k, v = torch.cat([cache[0], k], dim=2), torch.cat([cache[1], v], dim=2)  # (N, h, P + T, d/h)
        allowed = causal_mask(x.shape[1], k.shape[2]).to(x.device)
        x = x + self.self_attn.merge(attention(q, k, v, allowed)[0])
        return x + self.feed_forward(self.norm2(x)), (k, v)


# === layer_norms_after
# The norms stand behind the sums, as in the paper of 2017.
# fails: layer_at_once


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
        normed = x
        q, k, v = self.self_attn.project(normed, normed)
        past = 0
        if cache is not None:
            past = cache[0].shape[2]
            k, v = torch.cat([cache[0], k], dim=2), torch.cat([cache[1], v], dim=2)  # (N, h, P + T, d/h)
        allowed = causal_mask(x.shape[1], k.shape[2], past=past).to(x.device)
        x = self.norm1(x + self.self_attn.merge(attention(q, k, v, allowed)[0]))
        return self.norm2(x + self.feed_forward(x)), (k, v)


# === layer_without_a_mask
# No mask: right for one token, wrong for a prompt.
# fails: layer_at_once, layer_in_pieces


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
        if cache is not None:
            k, v = torch.cat([cache[0], k], dim=2), torch.cat([cache[1], v], dim=2)  # (N, h, P + T, d/h)
        x = x + self.self_attn.merge(attention(q, k, v)[0])
        return x + self.feed_forward(self.norm2(x)), (k, v)


# === layer_without_the_shortcut
# The attention replaces x, and is not added to it.
# fails: layer_at_once, layer_gradients


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
        past = 0
        if cache is not None:
            past = cache[0].shape[2]
            k, v = torch.cat([cache[0], k], dim=2), torch.cat([cache[1], v], dim=2)  # (N, h, P + T, d/h)
        allowed = causal_mask(x.shape[1], k.shape[2], past=past).to(x.device)
        x = self.self_attn.merge(attention(q, k, v, allowed)[0])
        return x + self.feed_forward(self.norm2(x)), (k, v)


# === mask_allows_either
# A key is allowed where one of the two rules allows it.
# fails: mask_with_lengths


# %% causal_mask
def causal_mask(queries: int, keys: int, past: int = 0, lengths: Tensor | None = None) -> Tensor:
    mask = torch.arange(keys) <= past + torch.arange(queries)[:, None]  # (T, S)
    if lengths is None:
        return mask
    real = torch.arange(keys) < lengths.cpu()[:, None, None, None]  # (N, 1, 1, S)
    return mask | real


# === mask_ends_at_the_lower_right
# The triangle always ends at the last key, whatever the past.
# fails: mask_without_past


# %% causal_mask
def causal_mask(queries: int, keys: int, past: int = 0, lengths: Tensor | None = None) -> Tensor:
    mask = torch.arange(keys) <= keys - queries + torch.arange(queries)[:, None]  # (T, S)
    if lengths is None:
        return mask
    real = torch.arange(keys) < lengths.cpu()[:, None, None, None]  # (N, 1, 1, S)
    return mask & real


# === mask_ignores_the_past
# The past is taken and never used.
# fails: mask_after_a_past, layer_step_by_step


# %% causal_mask
def causal_mask(queries: int, keys: int, past: int = 0, lengths: Tensor | None = None) -> Tensor:
    mask = torch.arange(keys) <= torch.arange(queries)[:, None]  # (T, S)
    if lengths is None:
        return mask
    real = torch.arange(keys) < lengths.cpu()[:, None, None, None]  # (N, 1, 1, S)
    return mask & real


# === mask_pads_the_queries
# The lengths cut rows, not columns.
# fails: mask_with_lengths


# %% causal_mask
def causal_mask(queries: int, keys: int, past: int = 0, lengths: Tensor | None = None) -> Tensor:
    mask = torch.arange(keys) <= past + torch.arange(queries)[:, None]  # (T, S)
    if lengths is None:
        return mask
    real = torch.arange(queries)[:, None] < lengths.cpu()[:, None, None, None]  # (N, 1, 1, S)
    return mask & real


# === mask_sees_one_ahead
# Off by one: a place sees the next one.
# fails: mask_without_past, mask_after_a_past


# %% causal_mask
def causal_mask(queries: int, keys: int, past: int = 0, lengths: Tensor | None = None) -> Tensor:
    mask = torch.arange(keys) <= 1 + past + torch.arange(queries)[:, None]  # (T, S)
    if lengths is None:
        return mask
    real = torch.arange(keys) < lengths.cpu()[:, None, None, None]  # (N, 1, 1, S)
    return mask & real


# === mask_without_an_axis_for_the_heads
# One mask a sequence, but (N, T, S): it would be broadcast along the heads.
# fails: mask_with_lengths


# %% causal_mask
def causal_mask(queries: int, keys: int, past: int = 0, lengths: Tensor | None = None) -> Tensor:
    mask = torch.arange(keys) <= past + torch.arange(queries)[:, None]  # (T, S)
    if lengths is None:
        return mask
    real = torch.arange(keys) < lengths.cpu()[:, None, None]  # (N, 1, 1, S)
    return mask & real


# === mask_without_the_diagonal
# Off by one: a place does not see itself.
# fails: mask_without_past, mask_after_a_past


# %% causal_mask
def causal_mask(queries: int, keys: int, past: int = 0, lengths: Tensor | None = None) -> Tensor:
    mask = torch.arange(keys) < past + torch.arange(queries)[:, None]  # (T, S)
    if lengths is None:
        return mask
    real = torch.arange(keys) < lengths.cpu()[:, None, None, None]  # (N, 1, 1, S)
    return mask & real


# === positions_always_from_zero
# The start is used for the number of rows only.
# fails: positions_from_anywhere


# %% positions
def positions(start: int, stop: int, d: int) -> Tensor:
    place = torch.arange(0, stop - start)[:, None]
    angle = place * 10_000 ** (-torch.arange(0, d, 2, dtype=torch.float64) / d)  # (places, ⌈d/2⌉)
    table = torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)  # a sine and its cosine in turn
    return table[:, :d]  # an odd d leaves out the last cosine


# === positions_in_float32
# The angles are computed in float32: far away they are wrong.
# fails: positions_far_away


# %% positions
def positions(start: int, stop: int, d: int) -> Tensor:
    place = torch.arange(start, stop, dtype=torch.float32)[:, None]
    angle = place * 10_000 ** (-torch.arange(0, d, 2, dtype=torch.float32) / d)  # (places, ⌈d/2⌉)
    table = torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)  # a sine and its cosine in turn
    return table[:, :d]  # an odd d leaves out the last cosine


# === positions_refuse_an_odd_size
# d // 2 frequencies: an odd size loses a channel.
# fails: positions_from_the_first_place


# %% positions
def positions(start: int, stop: int, d: int) -> Tensor:
    place = torch.arange(start, stop)[:, None]
    angle = place * 10_000 ** (-torch.arange(0, d // 2 * 2, 2, dtype=torch.float64) / d)  # (places, ⌈d/2⌉)
    table = torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)  # a sine and its cosine in turn
    return table[:, :d]  # an odd d leaves out the last cosine


# === positions_sine_and_cosine_exchanged
# Cosines stand on the even channels.
# fails: positions_from_the_first_place


# %% positions
def positions(start: int, stop: int, d: int) -> Tensor:
    place = torch.arange(start, stop)[:, None]
    angle = place * 10_000 ** (-torch.arange(0, d, 2, dtype=torch.float64) / d)  # (places, ⌈d/2⌉)
    table = torch.stack([angle.cos(), angle.sin()], dim=-1).flatten(1)  # a sine and its cosine in turn
    return table[:, :d]  # an odd d leaves out the last cosine


# === positions_sines_first
# All sines, then all cosines, not in turn.
# fails: positions_from_the_first_place


# %% positions
def positions(start: int, stop: int, d: int) -> Tensor:
    place = torch.arange(start, stop)[:, None]
    angle = place * 10_000 ** (-torch.arange(0, d, 2, dtype=torch.float64) / d)  # (places, ⌈d/2⌉)
    table = torch.cat([angle.sin(), angle.cos()], dim=-1)  # a sine and its cosine in turn
    return table[:, :d]  # an odd d leaves out the last cosine


# === positions_twice_the_exponent
# The exponent counts 4i/d: the step of arange holds a 2 already.
# fails: positions_from_the_first_place


# %% positions
def positions(start: int, stop: int, d: int) -> Tensor:
    place = torch.arange(start, stop)[:, None]
    angle = place * 10_000 ** (-torch.arange(0, d, 2, dtype=torch.float64) * 2 / d)  # (places, ⌈d/2⌉)
    table = torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)  # a sine and its cosine in turn
    return table[:, :d]  # an odd d leaves out the last cosine


# === generate_without_the_cache
# Slow: the whole text goes through the network for each token.
# fails: generated_tokens


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
