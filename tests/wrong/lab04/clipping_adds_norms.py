"""The norms are added, not their squares."""
# fails: clipping_scales_to_the_limit


# %% clip_gradients
def clip_gradients(parameters, most):
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = float(sum(gradient.norm() for gradient in gradients))
    if norm > most:
        for gradient in gradients:
            gradient *= most / norm
    return norm
