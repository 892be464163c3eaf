"""Loops over the batch, and powers of two by exp2."""


# %% scale
def step_size(qp):
    return torch.exp2(qp / 6 - 2 / 3)


def centred(pictures):
    return pictures.sub(0.5).mul(4)


def corrected(pictures, correction, qp):
    parts = [x + c * float(step_size(q)) / 1020 for x, c, q in zip(pictures, correction, qp, strict=True)]
    return torch.stack(parts)


def to_picture(pictures):
    return pictures.squeeze(1).mul(255).clamp(0, 255).add(0.0).round().byte()


# %% training
def loss(filtered, original, error):
    terms = [F.mse_loss(x, y) / e for x, y, e in zip(filtered, original, error, strict=True)]
    return sum(terms) / len(terms)


def not_flat(patches, least=4.0):
    kept = []
    for patch in patches.double():
        kept.append(bool(((patch - patch.mean()) ** 2).mean().sqrt() >= least - 1e-9))
    return torch.tensor(kept)


def turned(patches, k):
    for _ in range(k % 4):
        patches = patches.transpose(-2, -1).flip(-2)
    if k // 4:
        patches = torch.flip(patches, [-1])
    return patches


def losers(decoded, filtered, original):
    change = (filtered - original) ** 2 - (decoded - original) ** 2
    return change.flatten(1).sum(1) > 0
