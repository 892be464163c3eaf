"""Lab 07: answers that are the library's own, as short as can be. The rules must see every one of them."""

# === the_courses_own_predictors

# %% planar
planar, dc = intra.planar, intra.dc

# === both_from_the_list_of_all


# %% planar
def planar(samples):
    return intra.predict_all(samples)[..., 0, :, :]


def dc(samples):
    return intra.predict_all(samples)[..., 1, :, :]


# === the_courses_own_angles


# %% angular
def angular(samples, angle):
    return intra.angular(samples, intra.ANGLES.index(angle, 16) + 2)


# === the_courses_own_costs


# %% costs
def costs(original, predictions, qp):
    residual = original.unsqueeze(-3).float() - predictions.float()
    coefficients = transforms.dct(residual)
    return {
        "SAD": transforms.sad(residual),
        "SATD": transforms.satd(residual),
        "DCT-L1": coefficients.abs().sum(dim=(-2, -1)),
        "log-cost": torch.log2(1 + coefficients.abs() / quantisation.step(qp)).sum(dim=(-2, -1)),
    }


# === the_loss_of_torch


# %% targets
def hard_targets(j):
    return j.argmin(dim=-1)


def soft_targets(j, temperature):
    return torch.softmax(-j / temperature, dim=-1)


def cross_entropy(scores, targets):
    return F.cross_entropy(scores, targets)


# === the_loss_as_a_module


# %% targets
def hard_targets(j):
    return j.argmin(dim=-1)


def soft_targets(j, temperature):
    return torch.softmax(-j / temperature, dim=-1)


cross_entropy = nn.CrossEntropyLoss()
