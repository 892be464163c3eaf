"""The decoder writes each block of a front by its slices, in a list of rows; the choice by a loop."""


# %% decoder
def decode(modes, levels, qp, filter=None):
    rows, columns = modes.shape
    n = levels.shape[-1]
    picture = torch.zeros((rows * n, columns * n), dtype=torch.long)
    if filter is not None:
        filter.start(qp)
    for front in intra.wavefronts(rows, columns):
        samples = intra.references(picture, n, ctu=n, at=front)
        places = front.tolist()
        guess = torch.zeros(len(places), n, n, dtype=torch.long)
        for k, (row, column) in enumerate(places):
            guess[k] = intra.predict(samples[k], int(modes[row, column]))
        if filter is not None:
            guess = filter.filter(picture.clone(), front, guess)
        sent = torch.stack([levels[row, column] for row, column in places])
        for k, (row, column) in enumerate(places):
            residual = transforms.hevc_inverse(quantisation.hevc_dequantise(sent[k], qp))
            block = torch.clip(guess[k] + residual, 0, 255)
            picture[row * n : (row + 1) * n, column * n : (column + 1) * n] = block
        if filter is not None:
            done = [picture[row * n : (row + 1) * n, column * n : (column + 1) * n] for row, column in places]
            filter.learn(torch.stack(done), sent)
    return picture


# %% choice
def choose(grid, harm=0.5):
    best = None
    for setting, changes in grid.items():
        if any(change > harm for change in changes):
            continue
        if best is None or sum(changes) < sum(grid[best]):
            best = setting
    return best
