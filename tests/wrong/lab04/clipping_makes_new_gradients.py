"""The scaled gradients are computed and thrown away."""
# fails: clipping_scales_to_the_limit


# %% clip_gradients
def clip_gradients(parameters, most):
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = math.sqrt(sum(gradient.square().sum() for gradient in gradients))
    if norm > most:
        gradients = [gradient * most / norm for gradient in gradients]
    return norm
