"""Sorts by length, drops sequences that are over, writes outputs in place, sorts back, and warns on every call."""

# %% lstm
import warnings


def lstm(x, lengths, h, c, *weights):
    warnings.warn("a slow layer", stacklevel=1)
    order = torch.argsort(lengths, descending=True)
    x, h, c, left = x[:, order], h[order], c[order], lengths[order]
    outputs = torch.zeros(*x.shape[:2], h.shape[1], dtype=x.dtype, device=x.device)
    for t in range(int(left.max())):
        alive = int((left > t).sum())
        new_h, new_c = lstm_step(x[t, :alive], h[:alive], c[:alive], *weights)
        outputs[t, :alive] = new_h
        h, c = torch.cat([new_h, h[alive:]]), torch.cat([new_c, c[alive:]])
    back = torch.argsort(order)
    return outputs[:, back], h[back], c[back]
