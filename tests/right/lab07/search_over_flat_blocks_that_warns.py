"""A loop over the blocks, int32 answers, and a warning on the way."""


# %% search
def search(original, predictions, guess, qp, k):
    import warnings

    warnings.warn("this is slow", stacklevel=1)
    batch, modes = guess.shape[:-1], guess.shape[-1]
    blocks_, guesses = original.reshape(-1, *original.shape[-2:]), guess.reshape(-1, modes)
    candidates = predictions.reshape(-1, *predictions.shape[-3:])
    chosen = []
    for block, prediction, row in zip(blocks_, candidates, guesses, strict=True):
        listed = row.argsort()[:k]
        j = rd_cost(block, prediction[listed], qp)
        chosen.append(int(listed[j.argmin()]))
    return torch.tensor(chosen, dtype=torch.int32).reshape(batch)
