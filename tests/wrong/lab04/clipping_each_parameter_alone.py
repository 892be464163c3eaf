"""Each gradient gets its own norm and its own factor: the direction changes."""
# fails: clipping_scales_to_the_limit


# %% clip_gradients
def clip_gradients(parameters, most):
    gradients = [p.grad for p in parameters if p.grad is not None]
    for gradient in gradients:
        if gradient.norm() > most:
            gradient *= most / gradient.norm()
    return math.sqrt(sum(gradient.square().sum() for gradient in gradients))
