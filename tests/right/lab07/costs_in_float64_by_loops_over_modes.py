"""Everything in float64, a loop over the modes, the Hadamard transform by its matrix; float64 is not asked for."""


# %% costs
def costs(original, predictions, qp):
    h = transforms.hadamard_matrix(original.shape[-1]).double()
    found = {"log-cost": [], "DCT-L1": [], "SATD": [], "SAD": []}
    for m in range(predictions.shape[-3]):
        d = original.double() - predictions[..., m, :, :].double()
        c = transforms.dct(d)
        found["SAD"].append(d.abs().sum((-1, -2)))
        found["SATD"].append(2 * (h @ d @ h).abs().sum((-1, -2)) / d.shape[-1])
        found["DCT-L1"].append(torch.linalg.vector_norm(c, ord=1, dim=(-2, -1)))
        found["log-cost"].append(
            torch.log1p(c.abs() / quantisation.step(qp)).sum((-1, -2)) / torch.log(torch.tensor(2.0))
        )
    return {name: torch.stack(each, dim=-1) for name, each in found.items()}


# %% rd_cost
def code(original, predictions, qp):
    p = predictions.double()
    c = transforms.dct(original.double()[..., None, :, :] - p)
    sign, size = c.sign(), (c.abs() / quantisation.step(qp) + 1 / 3).floor()
    back = p + transforms.idct(sign * size * quantisation.step(qp))
    return [torch.clip(back, min=0, max=255), 3 * (1 + size).log2().sum((-2, -1))]


def rd_cost(original, predictions, qp):
    pixels, bits = code(original, predictions, qp)
    error = pixels - original[..., None, :, :].double()
    return bits * 0.57 * 2 ** (qp / 3 - 4) + (error * error).sum((-2, -1))
