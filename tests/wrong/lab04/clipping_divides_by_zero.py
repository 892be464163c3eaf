"""Without an if: gradients that are all 0 have the norm 0."""
# fails: clipping_without_some_gradients


# %% clip_gradients
def clip_gradients(parameters, most):
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = math.sqrt(sum(gradient.square().sum() for gradient in gradients))
    factor = min(1.0, most / norm)
    for gradient in gradients:
        gradient *= factor
    return norm
