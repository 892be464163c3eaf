"""The softmax by hand, less its maximum; the loss with logsumexp and one-hot targets."""


# %% targets
def hard_targets(j):
    return j.sort(dim=-1).indices[..., 0]


def soft_targets(j, temperature):
    weights = torch.exp((j.min(dim=-1, keepdim=True).values - j) / temperature)
    return weights / weights.sum(-1, keepdim=True)


def cross_entropy(scores, targets):
    if not targets.is_floating_point():
        targets = torch.eye(scores.shape[1], dtype=scores.dtype)[targets]
    return (targets * (scores.logsumexp(dim=1, keepdim=True) - scores)).sum() / len(scores)
