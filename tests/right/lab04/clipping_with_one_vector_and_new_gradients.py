"""All gradients in one long vector, torch's small number in the divisor, and new tensors as gradients."""


# %% clip_gradients
def clip_gradients(parameters, most):
    having = [p for p in parameters if p.grad is not None]
    if not having:
        return torch.tensor(0.0)
    total = torch.linalg.vector_norm(torch.cat([p.grad.reshape(-1).to(having[0].grad) for p in having]))
    factor = torch.clamp(most / (total + 1e-6), max=1.0)
    for p in having:
        p.grad = p.grad * factor
    return total
