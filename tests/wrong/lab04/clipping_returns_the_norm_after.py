"""The norm is taken once more at the end."""
# fails: clipping_scales_to_the_limit


# %% clip_gradients
def clip_gradients(parameters, most):
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = math.sqrt(sum(gradient.square().sum() for gradient in gradients))
    if norm > most:
        for gradient in gradients:
            gradient *= most / norm
    return math.sqrt(sum(gradient.square().sum() for gradient in gradients))
