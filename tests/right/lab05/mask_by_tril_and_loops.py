"""The triangle by tril with a diagonal, the lengths in a loop, in place."""


# %% causal_mask
def causal_mask(queries, keys, past=0, lengths=None):
    triangle = torch.ones(queries, keys).tril(diagonal=past) > 0
    if lengths is None:
        return triangle
    every = triangle.repeat(len(lengths), 1, 1)
    for i, n in enumerate(lengths.tolist()):
        every[i, :, n:] = False
    return every.unsqueeze(1)
